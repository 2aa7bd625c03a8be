package jmstest;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** A stretch of network between client and broker that can break. */
final class Relay implements AutoCloseable {
    private final Target target;
    private final ServerSocket server;
    private final List<Pair> pairs = new CopyOnWriteArrayList<>();
    private volatile boolean closed;
    private volatile boolean refuse;

    /** One connection of a client, and the one that stands for it at the broker. */
    private static final class Pair {
        final Socket client;
        final Socket broker;
        volatile boolean mute; // what the broker says is swallowed
        volatile boolean half; // the broker's side outlives the client's

        Pair(Socket client, Socket broker) {
            this.client = client;
            this.broker = broker;
        }
    }

    Relay(Target target) throws IOException {
        this.target = target;
        server = new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1"));
        start(this::accept);
    }

    String url() {
        return target.scheme() + "://127.0.0.1:" + server.getLocalPort();
    }

    /** Breaks all connections; new ones are possible. */
    void cut() {
        for (Pair p : pairs) {
            shut(p.client);
            shut(p.broker);
        }
        pairs.clear();
    }

    /** Breaks the client's side of all connections and leaves the broker's open. */
    void cutClientsOnly() {
        for (Pair p : pairs) {
            p.half = true;
            shut(p.client);
        }
    }

    /** Keeps everything from the client that the broker says on the connections there are, until they are cut. */
    void mute() {
        for (Pair p : pairs) {
            p.mute = true;
        }
    }

    /** Refuses new connections, or accepts them again. */
    void refuse(boolean yes) {
        refuse = yes;
    }

    @Override
    public void close() {
        closed = true;
        try {
            server.close();
        } catch (IOException ignored) {
            // It is closed.
        }
        cut();
    }

    private void accept() {
        while (!closed) {
            try {
                Socket in = server.accept();
                if (refuse) {
                    shut(in);
                    continue;
                }
                Socket out = new Socket(target.host(), target.port());
                in.setTcpNoDelay(true);
                out.setTcpNoDelay(true);
                Pair p = new Pair(in, out);
                pairs.add(p);
                start(() -> pump(p, true));
                start(() -> pump(p, false));
            } catch (IOException x) {
                if (closed) {
                    return;
                }
            }
        }
    }

    private void pump(Pair p, boolean fromClient) {
        Socket from = fromClient ? p.client : p.broker;
        Socket to = fromClient ? p.broker : p.client;
        byte[] buffer = new byte[16 << 10];
        try {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                if (fromClient || !p.mute) {
                    out.write(buffer, 0, n);
                }
            }
        } catch (IOException ignored) {
            // Cut.
        }
        shut(p.client);
        if (!p.half) {
            shut(p.broker);
        }
    }

    private static void shut(Socket s) {
        try {
            s.setSoLinger(true, 0);
            s.close();
        } catch (IOException ignored) {
            // It is closed.
        }
    }

    private static void start(Runnable r) {
        Thread t = new Thread(r);
        t.setDaemon(true);
        t.start();
    }
}

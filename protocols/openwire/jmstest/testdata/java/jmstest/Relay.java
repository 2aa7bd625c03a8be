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
    private final List<Socket> sockets = new CopyOnWriteArrayList<>();
    private volatile boolean closed;
    private volatile boolean mute; // swallows what the broker says
    private volatile boolean refuse;
    private volatile boolean half; // the broker's side outlives the client's

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
        mute = false;
        for (Socket s : sockets) {
            shut(s);
        }
        sockets.clear();
    }

    /** Breaks the client's side of all connections and leaves the broker's open. */
    void cutClientsOnly() {
        half = true;
        for (int i = 0; i + 1 < sockets.size(); i += 2) {
            shut(sockets.get(i));
        }
    }

    /** Keeps everything from the client that the broker says on the connections there are, until they are cut. */
    void mute() {
        mute = true;
    }

    /** Refuses new connections, or accepts them again. */
    void refuse(boolean yes) {
        refuse = yes;
    }

    int connections() {
        return sockets.size() / 2;
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
                sockets.add(in);
                sockets.add(out);
                start(() -> pump(in, out, false));
                start(() -> pump(out, in, true));
            } catch (IOException x) {
                if (closed) {
                    return;
                }
            }
        }
    }

    private void pump(Socket from, Socket to, boolean fromBroker) {
        byte[] buffer = new byte[16 << 10];
        try (InputStream in = from.getInputStream(); OutputStream out = to.getOutputStream()) {
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                if (!(fromBroker && mute)) {
                    out.write(buffer, 0, n);
                }
            }
        } catch (IOException ignored) {
            // Cut.
        }
        shut(from);
        if (!half || fromBroker) {
            shut(to);
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

package interop;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.Serializable;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import javax.jms.BytesMessage;
import javax.jms.DeliveryMode;
import javax.jms.Destination;
import javax.jms.JMSException;
import javax.jms.MapMessage;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.QueueBrowser;
import javax.jms.Session;
import javax.jms.StreamMessage;
import javax.jms.TextMessage;
import org.apache.activemq.ActiveMQConnection;
import org.apache.activemq.ActiveMQConnectionFactory;
import org.apache.activemq.ActiveMQSession;
import org.apache.activemq.command.ActiveMQDestination;
import org.apache.activemq.command.ActiveMQMessage;
import org.apache.activemq.command.ActiveMQQueue;
import org.apache.activemq.command.ActiveMQTopic;

/**
 * ActiveMQ's client, driven by lines. A request is a number, a word and a form, an answer the number and a form, both as
 * HTML forms are encoded. Requests run at the same time; whoever asks waits for the answer before it asks for more of the
 * same connection.
 */
public final class Driver {
    private final Map<String, Object> things = new ConcurrentHashMap<>();
    private final AtomicLong number = new AtomicLong();
    private final PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);

    /** A connection with a session for what is sent, and one for transactions. */
    private record Client(ActiveMQConnection connection, Session plain, Session transacted) {}

    /** A consumer and its session. */
    private record Consumer(MessageConsumer consumer, Session session) {}

    public static void main(String[] args) throws Exception {
        new Driver().serve();
    }

    private void serve() throws Exception {
        ExecutorService pool = Executors.newCachedThreadPool(r -> {
            Thread t = new Thread(r);
            t.setDaemon(true);
            return t;
        });
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] parts = line.split(" ", -1);
            pool.submit(() -> answer(parts[0], parts[1], new Form(parts[2])));
        }
        System.exit(0); // threads of the client would keep the process
    }

    private void answer(String id, String word, Form in) {
        Form answer = new Form();
        try {
            handle(word, in, answer);
        } catch (Throwable t) {
            answer.add("error", t.toString());
        }
        synchronized (out) {
            out.println(id + " " + answer);
            out.flush();
        }
    }

    private String keep(Object thing) {
        String key = Long.toString(number.incrementAndGet());
        things.put(key, thing);
        return key;
    }

    private <T> T thing(Class<T> type, Form in, String name) {
        return type.cast(things.get(in.get(name)));
    }

    private void handle(String word, Form in, Form answer) throws Exception {
        switch (word) {
            case "connect" -> answer.add("c", keep(connect(in)));
            case "close" -> thing(Client.class, in, "c").connection.close();
            case "cut" -> {
                Client c = thing(Client.class, in, "c");
                c.connection.getTransport().narrow(Socket.class).close();
                // What the library does then has to be over before the next request.
                try {
                    c.connection.close();
                } catch (JMSException expected) {
                    // The connection is gone.
                }
            }
            case "send" -> send(in);
            case "consume" -> answer.add("k", keep(consume(in)));
            case "receive" -> receive(in, answer);
            case "ack" -> thing(Message.class, in, "m").acknowledge();
            case "recover" -> thing(Consumer.class, in, "k").session.recover();
            case "rollbackConsumer" -> thing(Consumer.class, in, "k").session.rollback();
            case "closeConsumer" -> {
                Consumer k = thing(Consumer.class, in, "k");
                k.consumer.close();
                if (!k.session.getTransacted()) {
                    k.session.close();
                }
            }
            case "browse" -> browse(in, answer);
            case "temporary" -> {
                Session s = thing(Client.class, in, "c").plain;
                Destination d = in.is("topic") ? s.createTemporaryTopic() : s.createTemporaryQueue();
                answer.add("name", ((ActiveMQDestination) d).getQualifiedName());
            }
            case "unsubscribe" -> thing(Client.class, in, "c").plain.unsubscribe(in.get("name"));
            case "commit" -> thing(Client.class, in, "c").transacted.commit();
            case "rollback" -> thing(Client.class, in, "c").transacted.rollback();
            default -> throw new IllegalArgumentException(word);
        }
    }

    private static Client connect(Form in) throws JMSException {
        // All sends wait for their answer, and no advisory message of another connection is waited for.
        ActiveMQConnectionFactory f = new ActiveMQConnectionFactory(in.get("url") + "?jms.alwaysSyncSend=true&jms.watchTopicAdvisories=false");
        f.getRedeliveryPolicy().setInitialRedeliveryDelay(0);
        f.getRedeliveryPolicy().setRedeliveryDelay(0);
        f.getRedeliveryPolicy().setMaximumRedeliveries(in.number("redeliveries", 6));
        ActiveMQConnection c = (ActiveMQConnection) f.createConnection();
        if (in.has("client")) {
            c.setClientID(in.get("client"));
        }
        try {
            c.start();
        } catch (JMSException x) {
            c.close(); // its threads would stay
            throw x;
        }
        return new Client(c, c.createSession(false, Session.AUTO_ACKNOWLEDGE), c.createSession(true, Session.SESSION_TRANSACTED));
    }

    private static ActiveMQDestination destination(String name) {
        return ActiveMQDestination.createDestination(name, ActiveMQDestination.QUEUE_TYPE);
    }

    private void send(Form in) throws JMSException {
        Client c = thing(Client.class, in, "c");
        Session s = in.is("tx") ? c.transacted : c.plain;
        Message m = message(s, in);
        if (in.has("correlation")) {
            m.setJMSCorrelationID(in.get("correlation"));
        }
        if (in.has("correlationBytes")) {
            m.setJMSCorrelationIDAsBytes(Values.unhex(in.get("correlationBytes")));
        }
        if (in.has("replyTo")) {
            m.setJMSReplyTo(destination(in.get("replyTo")));
        }
        if (in.has("type")) {
            m.setJMSType(in.get("type"));
        }
        if (in.has("group")) {
            m.setStringProperty("JMSXGroupID", in.get("group"));
        }
        if (in.has("seq")) {
            m.setIntProperty("JMSXGroupSeq", in.number("seq", 0));
        }
        if (in.has("user")) {
            ((ActiveMQMessage) m).setUserID(in.get("user"));
        }
        for (String p : in.all("p")) {
            String[] f = p.split(":", 3);
            m.setObjectProperty(f[1], Values.parse(f[0], f[2]));
        }
        MessageProducer p = s.createProducer(null);
        if (in.has("timestamp")) {
            m.setJMSTimestamp(Long.parseLong(in.get("timestamp")));
            p.setDisableMessageTimestamp(true);
        }
        p.send(destination(in.get("to")), m, in.is("persistent") ? DeliveryMode.PERSISTENT : DeliveryMode.NON_PERSISTENT,
                in.number("priority", 4), in.number("ttl", 0));
        p.close();
    }

    private static Message message(Session s, Form in) throws JMSException {
        String body = in.get("body");
        switch (in.get("kind")) {
            case "text":
                return s.createTextMessage(body);
            case "bytes":
                BytesMessage b = s.createBytesMessage();
                b.writeBytes(Values.unhex(body));
                return b;
            case "map":
                MapMessage map = s.createMapMessage();
                for (String e : in.all("e")) {
                    String[] f = e.split(":", 3);
                    map.setObject(f[1], Values.parse(f[0], f[2]));
                }
                return map;
            case "stream":
                StreamMessage stream = s.createStreamMessage();
                for (String e : in.all("e")) {
                    String[] f = e.split(":", 3);
                    stream.writeObject(Values.parse(f[0], f[2]));
                }
                return stream;
            case "object":
                return s.createObjectMessage((Serializable) body);
            default:
                return s.createMessage();
        }
    }

    private Consumer consume(Form in) throws JMSException {
        Client c = thing(Client.class, in, "c");
        Session s = switch (in.get("mode")) {
            case "auto" -> c.connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
            case "individual" -> c.connection.createSession(false, ActiveMQSession.INDIVIDUAL_ACKNOWLEDGE);
            case "own transaction" -> c.connection.createSession(true, Session.SESSION_TRANSACTED);
            default -> c.transacted;
        };
        ActiveMQDestination from = destination(in.get("from"));
        String selector = in.has("selector") ? in.get("selector") : null;
        if (in.has("durable")) {
            return new Consumer(s.createDurableSubscriber((ActiveMQTopic) from, in.get("durable"), selector, in.is("noLocal")), s);
        }
        return new Consumer(s.createConsumer(from, selector, in.is("noLocal")), s);
    }

    private void receive(Form in, Form answer) throws Exception {
        Message m = thing(Consumer.class, in, "k").consumer.receive(in.number("wait", 1));
        if (m == null) {
            answer.add("none", "1");
            return;
        }
        answer.add("m", keep(m));
        Values.describe(m, answer);
    }

    private void browse(Form in, Form answer) throws JMSException {
        Session s = thing(Client.class, in, "c").plain;
        QueueBrowser b = s.createBrowser((ActiveMQQueue) destination(in.get("from")));
        for (var all = b.getEnumeration(); all.hasMoreElements();) {
            answer.add("text", ((TextMessage) all.nextElement()).getText());
        }
        b.close();
    }
}

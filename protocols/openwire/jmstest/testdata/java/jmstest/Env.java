package jmstest;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Enumeration;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Pattern;
import javax.jms.BytesMessage;
import javax.jms.Connection;
import javax.jms.DeliveryMode;
import javax.jms.Destination;
import javax.jms.JMSException;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.QueueBrowser;
import javax.jms.Session;
import javax.jms.TextMessage;
import org.apache.activemq.ActiveMQConnection;
import org.apache.activemq.ActiveMQConnectionFactory;
import org.apache.activemq.ActiveMQSslConnectionFactory;
import org.apache.activemq.ActiveMQXAConnectionFactory;
import org.apache.activemq.ActiveMQXASslConnectionFactory;
import org.apache.activemq.command.ActiveMQQueue;
import org.apache.activemq.command.ActiveMQTopic;

/** What a scenario runs with: connections to the target, names that nobody else uses, and checks. */
final class Env implements AutoCloseable {
    /** How long something may take that must come. */
    static final long PATIENCE = 30_000;
    /** How long to wait for what must not come. */
    static final long QUIET = 250;

    final Target target;
    final Scenario scenario;
    final String unique;
    private final List<AutoCloseable> open = new CopyOnWriteArrayList<>();
    private final Thread[] thread = new Thread[1];

    Env(Target target, Scenario scenario) {
        this.target = target;
        this.scenario = scenario;
        unique = scenario.name().replace('/', '-') + "-" + UUID.randomUUID().toString().substring(0, 8);
    }

    @Override
    public void close() {
        List<AutoCloseable> reversed = new ArrayList<>(open);
        java.util.Collections.reverse(reversed);
        for (AutoCloseable c : reversed) {
            try {
                c.close();
            } catch (Exception ignored) {
                // It may be what the scenario broke.
            }
        }
    }

    <T extends AutoCloseable> T keep(T what) {
        thread[0] = Thread.currentThread();
        open.add(what);
        return what;
    }

    /** Where the scenario's thread is, for one that does not return. */
    String where() {
        Thread t = thread[0];
        if (t == null) {
            return "the beginning";
        }
        StringBuilder b = new StringBuilder();
        for (StackTraceElement f : t.getStackTrace()) {
            b.append("\n\tat ").append(f);
        }
        return b.toString();
    }

    /** Whether the target shows the difference that the scenario declares for ActiveMQ. */
    boolean differs() {
        check(!scenario.activemq().isEmpty(), "the scenario declares no difference");
        return target.activemq();
    }

    // Connections.

    /** The target's URL with options of the client, such as jms.useCompression=true. */
    String url(String... options) {
        return options.length == 0 ? target.url : target.url + "?" + String.join("&", options);
    }

    ActiveMQConnectionFactory factory(String... options) throws Exception {
        return factoryFor(url(options));
    }

    /** A factory for any URL, with the target's credentials and keys. */
    ActiveMQConnectionFactory factoryFor(String url) throws Exception {
        ActiveMQConnectionFactory f;
        if (target.scheme().equals("ssl")) {
            Tls tls = target.tls();
            ActiveMQSslConnectionFactory s = new ActiveMQSslConnectionFactory(url);
            s.setKeyAndTrustManagers(tls.keys, tls.trust, null);
            f = s;
        } else {
            f = new ActiveMQConnectionFactory(url);
        }
        f.setUserName(target.user);
        f.setPassword(target.password);
        f.setTrustAllPackages(true);
        return f;
    }

    ActiveMQXAConnectionFactory xaFactory() throws Exception {
        ActiveMQXAConnectionFactory f;
        if (target.scheme().equals("ssl")) {
            Tls tls = target.tls();
            ActiveMQXASslConnectionFactory s = new ActiveMQXASslConnectionFactory(target.url);
            s.setKeyAndTrustManagers(tls.keys, tls.trust, null);
            s.setUserName(target.user);
            s.setPassword(target.password);
            return new Adapter(s);
        }
        f = new ActiveMQXAConnectionFactory(target.url);
        f.setUserName(target.user);
        f.setPassword(target.password);
        return f;
    }

    /** Makes the TLS factory look like the plain one, of which it is no kind. */
    private static final class Adapter extends ActiveMQXAConnectionFactory {
        private final ActiveMQXASslConnectionFactory to;

        Adapter(ActiveMQXASslConnectionFactory to) {
            this.to = to;
        }

        @Override
        public javax.jms.XAConnection createXAConnection() throws JMSException {
            return to.createXAConnection();
        }
    }

    /** A started connection. */
    ActiveMQConnection connect(String... options) throws Exception {
        return start(factory(options));
    }

    ActiveMQConnection start(ActiveMQConnectionFactory f) throws Exception {
        ActiveMQConnection c = (ActiveMQConnection) keep(new Closing(f.createConnection())).connection;
        c.start();
        return c;
    }

    /** A started connection with a client id. */
    ActiveMQConnection connectAs(String clientId, String... options) throws Exception {
        ActiveMQConnection c = (ActiveMQConnection) keep(new Closing(factory(options).createConnection())).connection;
        c.setClientID(clientId);
        c.start();
        return c;
    }

    record Closing(Connection connection) implements AutoCloseable {
        @Override
        public void close() throws JMSException {
            connection.close();
        }
    }

    /** A session in mode AUTO_ACKNOWLEDGE on a connection of its own. */
    Session session(String... options) throws Exception {
        return auto(connect(options));
    }

    static Session auto(Connection c) throws JMSException {
        return c.createSession(false, Session.AUTO_ACKNOWLEDGE);
    }

    static Session client(Connection c) throws JMSException {
        return c.createSession(false, Session.CLIENT_ACKNOWLEDGE);
    }

    static Session transacted(Connection c) throws JMSException {
        return c.createSession(true, Session.SESSION_TRANSACTED);
    }

    /** A stretch of network that can break, for connections to be made after it: it outlives them. */
    Relay relay() throws Exception {
        return keep(new Relay(target));
    }

    // Names.

    ActiveMQQueue queue() {
        return queue("");
    }

    /** A queue of the scenario's own; the suffix may hold options. */
    ActiveMQQueue queue(String suffix) {
        return new ActiveMQQueue("jmstest." + unique + suffix);
    }

    ActiveMQTopic topic() {
        return topic("");
    }

    ActiveMQTopic topic(String suffix) {
        return new ActiveMQTopic("jmstest." + unique + suffix);
    }

    // Sending and receiving.

    static TextMessage put(Session s, Destination to, String text) throws JMSException {
        TextMessage m = s.createTextMessage(text);
        MessageProducer p = s.createProducer(to);
        p.send(m);
        p.close();
        return m;
    }

    /** Sends to a temporary destination of another connection, of which this one learns by an advisory message. */
    static void putSoon(Session s, Destination to, String text) throws Exception {
        await("the destination is known", () -> {
            try {
                put(s, to, text);
                return true;
            } catch (javax.jms.InvalidDestinationException x) {
                return false;
            }
        });
    }

    static void putAll(Session s, Destination to, String... texts) throws JMSException {
        MessageProducer p = s.createProducer(to);
        for (String text : texts) {
            p.send(s.createTextMessage(text));
        }
        p.close();
    }

    /** Sends the numbers from 0 to n-1 as texts, without waiting for each where that is possible. */
    static void putNumbers(Session s, Destination to, int n) throws JMSException {
        MessageProducer p = s.createProducer(to);
        p.setDeliveryMode(DeliveryMode.NON_PERSISTENT);
        for (int i = 0; i < n; i++) {
            p.send(s.createTextMessage(Integer.toString(i)));
        }
        p.close();
        s.createProducer(to).close(); // its answer comes behind all of them
    }

    static Message take(MessageConsumer c) throws JMSException {
        Message m = c.receive(PATIENCE);
        check(m != null, "no message came");
        return m;
    }

    static String takeText(MessageConsumer c) throws JMSException {
        return text(take(c));
    }

    static String text(Message m) throws JMSException {
        return m instanceof TextMessage t ? t.getText() : m.getClass().getSimpleName();
    }

    static void wantTexts(MessageConsumer c, String... texts) throws JMSException {
        for (String want : texts) {
            equal("text", takeText(c), want);
        }
    }

    static void wantNumbers(MessageConsumer c, int from, int to) throws JMSException {
        for (int i = from; i < to; i++) {
            equal("text", takeText(c), Integer.toString(i));
        }
    }

    static void quiet(MessageConsumer c) throws JMSException {
        Message m = c.receive(QUIET);
        if (m != null) {
            throw new AssertionError("a message that should not come: " + text(m) + " in " + m);
        }
    }

    /** All texts that come until it is quiet. */
    static List<String> drain(MessageConsumer c) throws JMSException {
        List<String> list = new ArrayList<>();
        for (Message m = c.receive(2000); m != null; m = c.receive(QUIET)) {
            list.add(text(m));
        }
        return list;
    }

    static List<String> browse(Session s, ActiveMQQueue q, String selector) throws JMSException {
        QueueBrowser b = s.createBrowser(q, selector);
        List<String> list = new ArrayList<>();
        for (Enumeration<?> e = b.getEnumeration(); e.hasMoreElements();) {
            list.add(text((Message) e.nextElement()));
        }
        b.close();
        return list;
    }

    /** Waits until the queue holds so many messages. */
    static void awaitDepth(Session s, ActiveMQQueue q, int n) throws Exception {
        await("the queue holds " + n, () -> browse(s, q, null).size() == n);
    }

    /** Waits until a condition holds. */
    static void await(String what, Callable<Boolean> condition) throws Exception {
        long end = System.currentTimeMillis() + PATIENCE;
        while (!condition.call()) {
            check(System.currentTimeMillis() < end, "never: " + what);
            Thread.sleep(20);
        }
    }

    static byte[] bytes(Message m) throws JMSException {
        BytesMessage b = (BytesMessage) m;
        byte[] data = new byte[(int) b.getBodyLength()];
        b.readBytes(data);
        return data;
    }

    // Checks.

    static void check(boolean ok, String what) {
        if (!ok) {
            throw new AssertionError(what);
        }
    }

    static void equal(String what, Object got, Object want) {
        boolean same = got instanceof byte[] a && want instanceof byte[] b ? Arrays.equals(a, b) : Objects.equals(got, want);
        if (!same) {
            throw new AssertionError(what + " is " + show(got) + ", want " + show(want));
        }
    }

    private static String show(Object o) {
        String text = o instanceof byte[] b ? "byte[" + b.length + "]" + Arrays.hashCode(b) : o + (o == null ? "" : " (" + o.getClass().getSimpleName() + ")");
        return text.length() > 400 ? text.substring(0, 400) + "…" : text;
    }

    static void matches(String what, String got, String expression) {
        check(got != null && Pattern.compile(expression, Pattern.DOTALL).matcher(got).matches(), what + " is " + show(got) + ", want what matches " + expression);
    }

    /** Runs what must fail with one of JMS's exceptions, and a message that matches. */
    static void failsSomehow(String expression, Action action) {
        try {
            action.run();
        } catch (JMSException x) {
            matches("the message", String.valueOf(x.getMessage()), expression);
            return;
        } catch (Exception x) {
            throw new AssertionError("it failed with " + x, x);
        }
        throw new AssertionError("it did not fail");
    }

    interface Action {
        void run() throws Exception;
    }

    /** Runs what must fail with exactly this class, and a message that matches. */
    static <T extends Throwable> T fails(Class<T> type, String expression, Action action) {
        try {
            action.run();
        } catch (Throwable t) {
            if (t.getClass() != type) {
                throw new AssertionError("it failed with " + t.getClass().getName() + ", want " + type.getName(), t);
            }
            matches("the message of " + type.getSimpleName(), String.valueOf(t.getMessage()), expression);
            return type.cast(t);
        }
        throw new AssertionError("it did not fail with " + type.getSimpleName());
    }
}

package jmstest;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import javax.jms.DeliveryMode;
import javax.jms.Destination;
import javax.jms.JMSException;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.Session;
import javax.jms.TextMessage;
import org.apache.activemq.ActiveMQConnection;
import org.apache.activemq.ActiveMQConnectionFactory;
import org.apache.activemq.command.ActiveMQQueue;
import org.apache.activemq.command.ActiveMQTopic;
import org.apache.activemq.transport.DefaultTransportListener;

/**
 * Loads a broker through the failover transport while others kill it, and audits what became of every message.
 *
 * <pre>
 * Load url=failover:(...) name=unique
 * </pre>
 *
 * It prints "AT n" now and then, with the number of confirmed messages, until a line on its standard input tells it to
 * stop. Then producers end, consumers drain, and it prints a line for each broken promise and "DONE" with the counts.
 */
public final class Load {
    private static final int BATCH = 5;

    private final String url;
    private final String name;
    private final CountDownLatch stop = new CountDownLatch(1);
    private final CountDownLatch drained = new CountDownLatch(1);
    private final CountDownLatch relayed = new CountDownLatch(1);
    private final AtomicLong confirmed = new AtomicLong();
    private final AtomicLong received = new AtomicLong();
    private final AtomicLong inDoubt = new AtomicLong();
    private final AtomicLong again = new AtomicLong();
    private final List<String> broken = new ArrayList<>();

    /** What is known of a message at the place where its way ends. */
    private static final class Fate {
        boolean confirmed; // its send, or its transaction's commit, returned
        boolean doubtful; // its transaction's outcome is unknown
        int seen; // how often it was handed to an application
        int settled; // how often a commit that covers its receipt returned
        final List<String> commits = new ArrayList<>(); // what those and the relays' commits took
    }

    private final Map<String, Fate> fates = new HashMap<>();

    private Load(Target t) {
        url = t.url;
        name = t.get("name", "load");
    }

    public static void main(String[] args) throws Exception {
        String[] shifted = new String[args.length + 1];
        System.arraycopy(args, 0, shifted, 1, args.length);
        new Load(Target.parse(shifted)).run();
        System.exit(0);
    }

    private ActiveMQQueue queue(String suffix) {
        return new ActiveMQQueue(name + "." + suffix);
    }

    private ActiveMQTopic topic() {
        return new ActiveMQTopic(name + ".topic");
    }

    private ActiveMQConnection connect(String clientId) throws JMSException {
        ActiveMQConnectionFactory f = new ActiveMQConnectionFactory(url + "?initialReconnectDelay=20&maxReconnectDelay=200&randomize=false");
        f.getRedeliveryPolicy().setInitialRedeliveryDelay(0);
        f.getRedeliveryPolicy().setRedeliveryDelay(0);
        f.getPrefetchPolicy().setAll(50);
        ActiveMQConnection c = (ActiveMQConnection) f.createConnection();
        if (clientId != null) {
            c.setClientID(clientId);
        }
        c.start();
        return c;
    }

    private interface Part {
        void run() throws Exception;
    }

    private final List<Thread> producers = new ArrayList<>();
    private final List<Thread> consumers = new ArrayList<>();
    private final List<Thread> behind = new ArrayList<>();

    private void start(List<Thread> list, String what, Part p) {
        Thread t = new Thread(() -> {
            try {
                p.run();
            } catch (Throwable x) {
                violation(what + " ended with " + x);
                x.printStackTrace();
            }
        }, what);
        list.add(t);
        t.start();
    }

    private void run() throws Exception {
        ActiveMQConnection durable = connect(name);
        Session subscriber = durable.createSession(true, Session.SESSION_TRANSACTED);
        Receiver subscription = new Receiver(durable, subscriber.createDurableSubscriber(topic(), "sub"));
        start(consumers, "durable subscriber", () -> commitEach(subscriber, subscription, drained));
        for (int i = 0; i < 2; i++) {
            String id = "P" + i;
            start(producers, "producer " + i, () -> send(id, queue("direct")));
            start(producers, "transacted producer " + i, () -> sendBatches("B" + id, queue("direct")));
            start(producers, "producer to relay " + i, () -> send("R" + id, queue("in")));
            start(consumers, "relay " + i, this::relay);
        }
        start(producers, "publisher", () -> send("T", topic()));
        start(consumers, "transacted consumer", () -> consumeTransacted(queue("direct"), drained));
        start(consumers, "auto consumer", () -> consumeAuto(queue("direct")));
        start(consumers, "client consumer", () -> consumeClient(queue("direct")));
        start(behind, "consumer behind relays", () -> consumeTransacted(queue("out"), relayed));
        new BufferedReader(new InputStreamReader(System.in)).readLine();
        stop.countDown();
        for (Thread t : producers) {
            t.join();
        }
        drained.countDown(); // consumers end when nothing comes for a while
        for (Thread t : consumers) {
            t.join();
        }
        relayed.countDown();
        for (Thread t : behind) {
            t.join();
        }
        audit();
    }

    private synchronized void violation(String what) {
        broken.add(what);
    }

    private synchronized Fate fate(String id) {
        return fates.computeIfAbsent(id, k -> new Fate());
    }

    private void confirm(String id) {
        Fate f = fate(id);
        synchronized (this) {
            f.confirmed = true;
        }
        long n = confirmed.incrementAndGet();
        if (n % 100 == 0) {
            System.out.println("AT " + n);
        }
    }

    private static TextMessage message(Session s, String id) throws JMSException {
        TextMessage m = s.createTextMessage(id + "|" + "x".repeat(Math.floorMod(id.hashCode(), 3000)));
        m.setStringProperty("id", id);
        return m;
    }

    /**
     * Takes note of a message that came, and checks its content. A client that comes back to the broker may hold a
     * message twice, from before and from after: in a transaction it may see the second copy when the first is
     * committed, but the audit finds out if it can commit that, too. What a client hands over while it comes back may have
     * lain there since before, and can't know what others were given meanwhile.
     */
    private void see(Message m, boolean transacted, boolean stale) throws JMSException {
        String id = m.getStringProperty("id");
        String want = id + "|" + "x".repeat(Math.floorMod(id.hashCode(), 3000));
        if (!want.equals(((TextMessage) m).getText())) {
            violation("the content of " + id + " is damaged");
        }
        Fate f = fate(id);
        received.incrementAndGet();
        synchronized (this) {
            f.seen++;
            if (f.seen > 1) {
                again.incrementAndGet();
                if (!m.getJMSRedelivered() && !stale) {
                    broken.add(id + " came again and is not marked redelivered");
                }
            }
            if (f.settled > 0 && !transacted && !stale) {
                broken.add(id + " came again after the commit that took it");
            }
        }
    }

    private synchronized void settle(List<Message> messages) throws JMSException {
        for (Message m : messages) {
            Fate f = fates.get(m.getStringProperty("id"));
            f.settled++;
            f.commits.add(m.getJMSMessageID() + " delivery " + m.getIntProperty("JMSXDeliveryCount"));
        }
    }

    /** Sends persistent messages, each confirmed when send returns. */
    private void send(String prefix, Destination to) throws Exception {
        ActiveMQConnection c = connect(null);
        Session s = c.createSession(false, Session.AUTO_ACKNOWLEDGE);
        MessageProducer p = s.createProducer(to);
        p.setDeliveryMode(DeliveryMode.PERSISTENT);
        for (int n = 0; stop.getCount() > 0; n++) {
            String id = prefix + ":" + n;
            p.send(message(s, id));
            confirm(id);
        }
        c.close();
    }

    /** Sends messages in transactions. */
    private void sendBatches(String prefix, Destination to) throws Exception {
        ActiveMQConnection c = connect(null);
        Session s = c.createSession(true, Session.SESSION_TRANSACTED);
        MessageProducer p = s.createProducer(to);
        for (int n = 0; stop.getCount() > 0; n++) {
            List<String> ids = new ArrayList<>();
            for (int i = 0; i < BATCH; i++) {
                ids.add(prefix + ":" + n + ":" + i);
                fate(ids.get(i));
            }
            try {
                for (String id : ids) {
                    p.send(message(s, id));
                }
                s.commit();
                ids.forEach(this::confirm);
            } catch (JMSException x) {
                doubt(ids);
                rollBack(s);
            }
        }
        c.close();
    }

    private void doubt(List<String> ids) {
        inDoubt.incrementAndGet();
        synchronized (this) {
            for (String id : ids) {
                fates.computeIfAbsent(id, k -> new Fate()).doubtful = true;
            }
        }
    }

    private static void rollBack(Session s) {
        try {
            s.rollback();
        } catch (JMSException ignored) {
            // The client has done so already.
        }
    }

    /** A consumer that knows whether what it got last may have lain in the client since before the connection broke. */
    private static final class Receiver extends DefaultTransportListener {
        private final MessageConsumer consumer;
        private final AtomicLong changes = new AtomicLong(); // odd: the connection is broken
        boolean stale;

        Receiver(ActiveMQConnection c, MessageConsumer consumer) {
            this.consumer = consumer;
            c.addTransportListener(this);
        }

        @Override
        public void transportInterupted() {
            changes.incrementAndGet();
        }

        @Override
        public void transportResumed() {
            changes.incrementAndGet();
        }

        /** The next message, or null when there has been none for a while after the producers ended. */
        Message next(CountDownLatch producersEnd) throws JMSException {
            for (;;) {
                boolean last = producersEnd.getCount() == 0;
                long before = changes.get();
                Message m = consumer.receive(last ? 4000 : 500);
                stale = before % 2 != 0 || before != changes.get();
                if (m != null || last) {
                    return m;
                }
            }
        }
    }

    private void consumeAuto(Destination from) throws Exception {
        ActiveMQConnection c = connect(null);
        Session s = c.createSession(false, Session.AUTO_ACKNOWLEDGE);
        Receiver consumer = new Receiver(c, s.createConsumer(from));
        for (Message m = consumer.next(drained); m != null; m = consumer.next(drained)) {
            see(m, false, consumer.stale);
        }
        c.close();
    }

    private void consumeClient(Destination from) throws Exception {
        ActiveMQConnection c = connect(null);
        Session s = c.createSession(false, Session.CLIENT_ACKNOWLEDGE);
        Receiver consumer = new Receiver(c, s.createConsumer(from));
        int n = 0;
        Message last = null;
        for (Message m = consumer.next(drained); m != null; m = consumer.next(drained)) {
            see(m, false, consumer.stale);
            last = m;
            if (++n % 7 == 0 || drained.getCount() == 0) {
                m.acknowledge();
            }
        }
        if (last != null) {
            last.acknowledge();
        }
        c.close();
    }

    private void consumeTransacted(Destination from, CountDownLatch producersEnd) throws Exception {
        ActiveMQConnection c = connect(null);
        Session s = c.createSession(true, Session.SESSION_TRANSACTED);
        commitEach(s, new Receiver(c, s.createConsumer(from)), producersEnd);
        c.close();
    }

    /** Takes messages in transactions of a few; the last are committed when nothing comes any more. */
    private void commitEach(Session s, Receiver consumer, CountDownLatch producersEnd) throws Exception {
        List<Message> taken = new ArrayList<>();
        for (;;) {
            Message m = consumer.next(producersEnd);
            if (m != null) {
                see(m, true, consumer.stale);
                taken.add(m);
            }
            if (taken.size() >= BATCH || m == null && !taken.isEmpty() || producersEnd.getCount() == 0 && !taken.isEmpty()) {
                try {
                    s.commit();
                    settle(taken);
                } catch (JMSException x) {
                    inDoubt.incrementAndGet();
                    rollBack(s);
                }
                taken.clear();
            } else if (m == null) {
                return;
            }
        }
    }

    private synchronized void relayed(Message m, String how) throws JMSException {
        fate(m.getStringProperty("id")).commits.add(how + " " + m.getJMSMessageID() + " delivery " + m.getIntProperty("JMSXDeliveryCount"));
    }

    /** Moves messages from one queue to another, each in a transaction. */
    private void relay() throws Exception {
        ActiveMQConnection c = connect(null);
        Session s = c.createSession(true, Session.SESSION_TRANSACTED);
        Receiver in = new Receiver(c, s.createConsumer(queue("in")));
        MessageProducer out = s.createProducer(queue("out"));
        for (Message m = in.next(drained); m != null; m = in.next(drained)) {
            try {
                out.send(message(s, m.getStringProperty("id")));
                s.commit();
                relayed(m, "relayed");
            } catch (JMSException x) {
                inDoubt.incrementAndGet();
                relayed(m, "in doubt: " + x.getMessage() + ":");
                rollBack(s);
            }
        }
        c.close();
    }

    private void audit() {
        Map<String, TreeSet<Boolean>> batches = new HashMap<>();
        for (Map.Entry<String, Fate> e : fates.entrySet()) {
            Fate f = e.getValue();
            if (f.confirmed && f.seen == 0) {
                broken.add(e.getKey() + " was confirmed and is lost");
            }
            if (f.settled > 1) {
                broken.add(e.getKey() + " was taken by " + f.settled + " commits: " + f.commits);
            }
            if (e.getKey().startsWith("B")) {
                batches.computeIfAbsent(e.getKey().substring(0, e.getKey().lastIndexOf(':')), k -> new TreeSet<>()).add(f.seen > 0);
            }
        }
        for (Map.Entry<String, TreeSet<Boolean>> b : batches.entrySet()) {
            if (b.getValue().size() > 1) {
                broken.add("of transaction " + b.getKey() + " only a part came");
            }
        }
        broken.stream().limit(30).forEach(b -> System.out.println("BROKEN " + b));
        System.out.println("DONE " + broken.size() + " broken, " + confirmed + " confirmed, " + received + " received, " + again + " again, " + inDoubt + " in doubt");
        System.out.flush();
    }
}

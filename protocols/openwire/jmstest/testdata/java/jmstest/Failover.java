package jmstest;

import static jmstest.Env.*;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.jms.JMSException;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.Session;
import javax.jms.TemporaryQueue;
import javax.jms.TransactionRolledBackException;
import org.apache.activemq.ActiveMQConnection;
import org.apache.activemq.ActiveMQConnectionFactory;
import org.apache.activemq.transport.TransportListener;

/** The client's failover transport, over a network that breaks. */
final class Failover {
    private Failover() {}

    static ActiveMQConnectionFactory over(Env e, Relay relay, String... options) throws Exception {
        return e.factoryFor("failover:(" + relay.url() + ")?initialReconnectDelay=20&maxReconnectDelay=100&"
                + String.join("&", options));
    }

    static ActiveMQConnection connect(Env e, Relay relay, String... options) throws Exception {
        return e.start(over(e, relay, options));
    }

    @Scenario(name = "failover/plain", ref = "a failover URL works like the plain one")
    static void plain(Env e) throws Exception {
        Session s = Env.auto(e.start(e.factoryFor("failover:(" + e.target.url + ")")));
        MessageConsumer c = s.createConsumer(e.queue());
        putAll(s, e.queue(), "1", "2");
        wantTexts(c, "1", "2");
    }

    @Scenario(name = "failover/first-dead", ref = "of several addresses the first that answers is taken")
    static void firstDead(Env e) throws Exception {
        int port;
        try (java.net.ServerSocket s = new java.net.ServerSocket(0)) {
            port = s.getLocalPort();
        }
        Session s = Env.auto(e.start(e.factoryFor("failover:(tcp://127.0.0.1:" + port + "," + e.target.url + ")?randomize=false")));
        put(s, e.queue(), "x");
        wantTexts(s.createConsumer(e.queue()), "x");
    }

    @Scenario(name = "failover/producer", ref = "a producer rides over many cuts: what it has sent is in the queue once, in order")
    static void producer(Env e) throws Exception {
        Relay relay = e.relay();
        Session s = Env.auto(connect(e, relay));
        MessageProducer p = s.createProducer(e.queue());
        for (int i = 0; i < 300; i++) {
            p.send(s.createTextMessage("" + i));
            if (i % 50 == 25) {
                relay.cut();
            }
        }
        MessageConsumer c = e.session().createConsumer(e.queue());
        wantNumbers(c, 0, 300);
        quiet(c);
    }

    @Scenario(name = "failover/answer-lost", ref = "a send whose answer was lost is sent again by the client, and is in the queue once")
    static void answerLost(Env e) throws Exception {
        Relay relay = e.relay();
        Session s = Env.auto(connect(e, relay));
        MessageProducer p = s.createProducer(e.queue());
        p.send(s.createTextMessage("0"));
        Session watch = e.session();
        for (int i = 1; i <= 5; i++) {
            relay.mute();
            String text = "" + i;
            int depth = i + 1;
            Thread t = new Thread(() -> {
                try {
                    p.send(s.createTextMessage(text));
                } catch (JMSException x) {
                    x.printStackTrace();
                }
            });
            t.start();
            awaitDepth(watch, e.queue(), depth);
            relay.cut();
            t.join(PATIENCE);
            check(!t.isAlive(), "the send does not return");
        }
        MessageConsumer c = e.session().createConsumer(e.queue());
        wantTexts(c, "0", "1", "2", "3", "4", "5");
        quiet(c);
    }

    @Scenario(name = "failover/consumer", ref = "a consumer comes back with its selector and gets what is sent afterwards")
    static void consumer(Env e) throws Exception {
        Relay relay = e.relay();
        Session s = Env.auto(connect(e, relay));
        MessageConsumer c = s.createConsumer(e.queue(), "colour = 'red'");
        Session other = e.session();
        for (int i = 0; i < 5; i++) {
            Durable.putColour(other, e.queue(), "blue");
            Durable.putColour(other, e.queue(), "red");
            wantTexts(c, "red");
            relay.cut();
        }
        await("only what the selector leaves", () -> browse(other, e.queue(), "colour = 'blue'").size() == 5);
    }

    @Scenario(name = "failover/unacknowledged", ref = "what was received and not acknowledged before the cut comes again; an acknowledge after it takes hold once the message has come again")
    static void unacknowledged(Env e) throws Exception {
        Relay relay = e.relay();
        Session s = client(connect(e, relay));
        putAll(e.session(), e.queue(), "1", "2", "3");
        MessageConsumer c = s.createConsumer(e.queue());
        wantTexts(c, "1", "2");
        relay.cut();
        Set<String> seen = new HashSet<>();
        Message m = c.receive(5000);
        for (; m != null; m = c.receive(1000)) {
            seen.add(text(m));
            m.acknowledge();
        }
        check(seen.contains("3"), "3 is missing: " + seen);
        s.close();
    }

    @Scenario(name = "failover/auto-drain", ref = "a consumer in mode AUTO_ACKNOWLEDGE drains a queue over many cuts: nothing is lost, and hardly anything comes twice")
    static void drain(Env e) throws Exception {
        Relay relay = e.relay();
        Session s = Env.auto(connect(e, relay, "jms.prefetchPolicy.queuePrefetch=10"));
        Session from = e.session("jms.useAsyncSend=true");
        for (int i = 0; i < 200; i++) {
            put(from, e.queue(), "" + i);
        }
        MessageConsumer c = s.createConsumer(e.queue());
        Set<String> seen = new HashSet<>();
        int n = 0;
        while (seen.size() < 200) {
            seen.add(takeText(c));
            if (++n % 40 == 0) {
                relay.cut();
            }
            check(n < 400, "too many come twice");
        }
    }

    @Scenario(name = "failover/transaction", ref = "a transaction is replayed after a cut, and its commit succeeds with all of it, once")
    static void transaction(Env e) throws Exception {
        Relay relay = e.relay();
        Session tx = transacted(connect(e, relay));
        Session other = e.session();
        put(other, e.queue(".in"), "a");
        MessageConsumer in = tx.createConsumer(e.queue(".in"));
        MessageConsumer out = other.createConsumer(e.queue());
        putAll(tx, e.queue(), "1", "2");
        relay.cut();
        putAll(tx, e.queue(), "3");
        tx.commit();
        wantTexts(out, "1", "2", "3");
        wantTexts(in, "a");
        put(tx, e.queue(), "4");
        tx.commit();
        wantTexts(out, "4");
        quiet(out);
        quiet(in);
    }

    @Scenario(name = "failover/transaction-received", ref = "a transaction that had received messages when the connection broke either commits or says that it was rolled back, and then the messages come again")
    static void transactionReceived(Env e) throws Exception {
        Relay relay = e.relay();
        Session tx = transacted(connect(e, relay, "jms.redeliveryPolicy.initialRedeliveryDelay=0"));
        putAll(e.session(), e.queue(".in"), "a", "b");
        MessageConsumer in = tx.createConsumer(e.queue(".in"));
        MessageConsumer out = e.session().createConsumer(e.queue());
        Set<String> done = new HashSet<>();
        boolean cut = false;
        while (done.size() < 2) {
            String text = takeText(in);
            put(tx, e.queue(), text);
            if (!cut) {
                relay.cut();
                cut = true;
            }
            try {
                tx.commit();
                done.add(text);
            } catch (TransactionRolledBackException x) {
                // It comes again.
            }
        }
        List<String> got = Env.drain(out);
        java.util.Collections.sort(got);
        equal("out", got, List.of("a", "b"));
    }

    @Scenario(name = "failover/commit-in-doubt", ref = "a commit whose answer is lost is told as rolled back by the client, though it took effect once")
    static void inDoubt(Env e) throws Exception {
        Relay relay = e.relay();
        Session tx = transacted(connect(e, relay));
        MessageConsumer out = e.session().createConsumer(e.queue());
        put(tx, e.queue(), "x");
        relay.mute();
        List<Throwable> outcome = java.util.Collections.synchronizedList(new ArrayList<>());
        CountDownLatch ended = new CountDownLatch(1);
        new Thread(() -> {
            try {
                tx.commit();
            } catch (JMSException x) {
                outcome.add(x);
            }
            ended.countDown();
        }).start();
        wantTexts(out, "x");
        relay.cut();
        check(ended.await(PATIENCE, TimeUnit.MILLISECONDS), "the commit does not return");
        check(outcome.size() == 1 && outcome.get(0) instanceof TransactionRolledBackException, "the commit ended with " + outcome);
        put(tx, e.queue(), "y");
        tx.commit();
        wantTexts(out, "y");
        quiet(out);
    }

    @Scenario(name = "failover/temporary", ref = "temporary queues come back with the connection, and replies reach them")
    static void temporary(Env e) throws Exception {
        Relay relay = e.relay();
        Temporary.serve(e.connect(), e.queue());
        Session s = Env.auto(connect(e, relay));
        TemporaryQueue reply = s.createTemporaryQueue();
        MessageConsumer c = s.createConsumer(reply);
        for (int i = 0; i < 4; i++) {
            javax.jms.TextMessage m = s.createTextMessage("" + i);
            m.setJMSReplyTo(reply);
            s.createProducer(e.queue()).send(m);
            wantTexts(c, "re: " + i);
            if (i < 3) {
                relay.cut();
            }
        }
    }

    @Scenario(name = "failover/durable", ref = "durable subscribers come back under their client id, which the broken connection does not hold")
    static void durable(Env e) throws Exception {
        Relay relay = e.relay();
        ActiveMQConnectionFactory f = over(e, relay);
        f.setClientID(e.unique);
        Session s = Env.auto(e.start(f));
        MessageConsumer c = s.createDurableSubscriber(e.topic(), "sub");
        Session other = e.session();
        for (int i = 0; i < 5; i++) {
            put(other, e.topic(), "" + i);
            wantTexts(c, "" + i);
            relay.cut();
        }
        put(other, e.topic(), "last");
        wantTexts(c, "last");
    }

    @Scenario(name = "failover/half-open", ref = "a client that comes back while the broker has not noticed the end of its old connection takes it over")
    static void halfOpen(Env e) throws Exception {
        Relay first = e.relay();
        Relay second = e.relay();
        ActiveMQConnectionFactory f = e.factoryFor("failover:(" + first.url() + "," + second.url() + ")?randomize=false&initialReconnectDelay=20");
        f.setClientID(e.unique);
        ActiveMQConnection c = e.start(f);
        Session s = Env.auto(c);
        MessageConsumer consumer = s.createDurableSubscriber(e.topic(), "sub");
        put(e.session(), e.topic(), "1");
        wantTexts(consumer, "1");
        first.refuse(true);
        first.cutClientsOnly();
        put(e.session(), e.topic(), "2");
        wantTexts(consumer, "2");
    }

    @Scenario(name = "failover/listeners", ref = "listeners of many sessions and producers on one connection all come back")
    static void many(Env e) throws Exception {
        Relay relay = e.relay();
        ActiveMQConnection c = connect(e, relay);
        AtomicInteger n = new AtomicInteger();
        for (int i = 0; i < 10; i++) {
            Env.auto(c).createConsumer(e.queue()).setMessageListener(m -> n.incrementAndGet());
        }
        Session s = e.session();
        for (int round = 1; round <= 3; round++) {
            for (int i = 0; i < 30; i++) {
                put(s, e.queue(), "" + i);
            }
            int want = round * 30;
            await("all came", () -> n.get() >= want);
            relay.cut();
        }
    }

    @Scenario(name = "failover/told", ref = "the application is told when the transport breaks and when it is back")
    static void told(Env e) throws Exception {
        Relay relay = e.relay();
        ActiveMQConnection c = connect(e, relay);
        CountDownLatch broken = new CountDownLatch(1);
        CountDownLatch back = new CountDownLatch(1);
        c.addTransportListener(new TransportListener() {
            @Override
            public void onCommand(Object command) {
                // Of no interest.
            }

            @Override
            public void onException(java.io.IOException x) {
                // The transport hides it.
            }

            @Override
            public void transportInterupted() {
                broken.countDown();
            }

            @Override
            public void transportResumed() {
                back.countDown();
            }
        });
        Env.auto(c).createConsumer(e.queue());
        relay.cut();
        check(broken.await(PATIENCE, TimeUnit.MILLISECONDS), "nobody is told of the end");
        check(back.await(PATIENCE, TimeUnit.MILLISECONDS), "nobody is told of the return");
        put(Env.auto(c), e.queue(), "it works");
    }

    @Scenario(name = "failover/gives-up", ref = "with maxReconnectAttempts the client gives up, and calls fail")
    static void givesUp(Env e) throws Exception {
        Relay relay = e.relay();
        ActiveMQConnection c = connect(e, relay, "maxReconnectAttempts=2");
        Session s = Env.auto(c);
        put(s, e.queue(), "x");
        relay.refuse(true);
        relay.cut();
        try {
            put(s, e.queue(), "y");
            throw new AssertionError("it did not fail");
        } catch (JMSException expected) {
            // As it must.
        }
    }

    @Scenario(name = "failover/priority-backup", ref = "with priorityBackup the client goes back to its first address when that is there again")
    static void priorityBackup(Env e) throws Exception {
        Relay first = e.relay();
        Relay second = e.relay();
        ActiveMQConnection c = e.start(e.factoryFor("failover:(" + first.url() + "," + second.url() + ")?randomize=false&priorityBackup=true&initialReconnectDelay=20&maxReconnectDelay=50"));
        Session s = Env.auto(c);
        put(s, e.queue(), "1");
        first.refuse(true);
        first.cut();
        put(s, e.queue(), "2");
        first.refuse(false);
        await("the first is in use again", () -> {
            String at = c.getTransport().getRemoteAddress();
            return at != null && at.endsWith(first.url().substring(first.url().lastIndexOf(':')));
        });
        put(s, e.queue(), "3");
        wantTexts(s.createConsumer(e.queue()), "1", "2", "3");
    }

    @Scenario(name = "failover/zero-prefetch", ref = "consumers that pull come back, and get what they asked for")
    static void pull(Env e) throws Exception {
        Relay relay = e.relay();
        Session s = Env.auto(connect(e, relay, Prefetch.ZERO));
        MessageConsumer c = s.createConsumer(e.queue());
        Session other = e.session();
        for (int i = 0; i < 4; i++) {
            put(other, e.queue(), "" + i);
            wantTexts(c, "" + i);
            relay.cut();
            put(s, e.queue(".other"), "it is back"); // a pull that the cut swallows is not repeated by the client
            equal("message", c.receive(300), null);
        }
    }
}

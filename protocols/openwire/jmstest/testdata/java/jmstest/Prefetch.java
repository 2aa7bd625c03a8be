package jmstest;

import static jmstest.Env.*;

import java.util.List;
import javax.jms.JMSException;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.Session;
import org.apache.activemq.ActiveMQConnection;

/** Prefetch of zero, where each message is asked for, and how a prefetch is set. */
final class Prefetch {
    private Prefetch() {}

    static final String ZERO = "jms.prefetchPolicy.all=0";

    @Scenario(name = "pull/receive", ref = "with prefetch 0 receive() gets a message that is there, and one that comes later")
    static void receive(Env e) throws Exception {
        MessageConsumer c = e.session(ZERO).createConsumer(e.queue());
        Session s = e.session();
        putAll(s, e.queue(), "1", "2");
        wantTexts(c, "1", "2");
        Thread later = new Thread(() -> {
            try {
                Thread.sleep(300);
                put(s, e.queue(), "later");
            } catch (Exception x) {
                x.printStackTrace();
            }
        });
        later.start();
        equal("text", text(c.receive()), "later");
        later.join();
    }

    @Scenario(name = "pull/no-wait", ref = "receiveNoWait gets a message that is there, or null at once")
    static void noWait(Env e) throws Exception {
        MessageConsumer c = e.session(ZERO).createConsumer(e.queue());
        equal("message", c.receiveNoWait(), null);
        put(e.session(), e.queue(), "1");
        equal("text", text(c.receiveNoWait()), "1");
        equal("message", c.receiveNoWait(), null);
    }

    @Scenario(name = "pull/time-out", ref = "receive with a time-out gives up after it, and a message that comes afterwards is not lost")
    static void timeOut(Env e) throws Exception {
        MessageConsumer c = e.session(ZERO).createConsumer(e.queue());
        long begin = System.currentTimeMillis();
        equal("message", c.receive(400), null);
        long took = System.currentTimeMillis() - begin;
        check(took >= 390, "it gave up after " + took + " ms");
        put(e.session(), e.queue(), "1");
        wantTexts(c, "1");
        equal("message", c.receive(50), null);
        put(e.session(), e.queue(), "2");
        wantTexts(e.session().createConsumer(e.queue()), "2");
    }

    @Scenario(name = "pull/nothing-held", ref = "a consumer with prefetch 0 holds nothing that it has not asked for")
    static void nothingHeld(Env e) throws Exception {
        MessageConsumer idle = e.session(ZERO).createConsumer(e.queue());
        MessageConsumer pull = e.session(ZERO).createConsumer(e.queue());
        putAll(e.session(), e.queue(), "1", "2", "3");
        wantTexts(pull, "1", "2");
        wantTexts(idle, "3");
    }

    @Scenario(name = "pull/client-ack", ref = "prefetch 0 in modes CLIENT_ACKNOWLEDGE and transacted: unacknowledged messages do not stand in the way of the next")
    static void modes(Env e) throws Exception {
        ActiveMQConnection c = e.connect(ZERO);
        Session s = client(c);
        putAll(e.session(), e.queue(), "1", "2", "3", "4");
        MessageConsumer consumer = s.createConsumer(e.queue());
        wantTexts(consumer, "1");
        take(consumer).acknowledge();
        s.close();
        Session tx = transacted(c);
        MessageConsumer in = tx.createConsumer(e.queue());
        wantTexts(in, "3", "4");
        tx.commit();
        quiet(in);
    }

    @Scenario(name = "pull/rollback", ref = "prefetch 0 in a transaction that rolls back: the message comes again")
    static void rollback(Env e) throws Exception {
        Session tx = transacted(e.connect(ZERO, "jms.redeliveryPolicy.initialRedeliveryDelay=0"));
        putAll(e.session(), e.queue(), "1", "2");
        MessageConsumer c = tx.createConsumer(e.queue());
        wantTexts(c, "1");
        tx.rollback();
        Message again = take(c);
        equal("text", text(again), "1");
        equal("JMSRedelivered", again.getJMSRedelivered(), true);
        wantTexts(c, "2");
        tx.commit();
    }

    @Scenario(name = "pull/durable-and-topic", ref = "prefetch 0 works for topics and durable subscriptions")
    static void topics(Env e) throws Exception {
        ActiveMQConnection c = e.connectAs(e.unique, ZERO);
        Session s = Env.auto(c);
        MessageConsumer durable = s.createDurableSubscriber(e.topic(), "sub");
        putAll(e.session(), e.topic(), "1", "2");
        wantTexts(durable, "1", "2");
        equal("message", durable.receiveNoWait(), null);
        MessageConsumer plain = s.createConsumer(e.topic(".t"));
        putAll(e.session(), e.topic(".t"), "1", "2");
        wantTexts(plain, "1", "2");
    }

    @Scenario(name = "pull/selector", ref = "prefetch 0 with a selector finds what matches, or nothing")
    static void selector(Env e) throws Exception {
        Session s = e.session();
        for (String colour : List.of("blue", "blue", "red")) {
            Durable.putColour(s, e.queue(), colour);
        }
        MessageConsumer c = e.session(ZERO).createConsumer(e.queue(), "colour = 'red'");
        wantTexts(c, "red");
        equal("message", c.receiveNoWait(), null);
    }

    @Scenario(name = "pull/many-consumers", ref = "many consumers that pull at once get each message once")
    static void many(Env e) throws Exception {
        putNumbers(e.session(), e.queue(), 200);
        java.util.Set<String> got = java.util.concurrent.ConcurrentHashMap.newKeySet();
        List<Thread> threads = new java.util.ArrayList<>();
        java.util.concurrent.atomic.AtomicInteger n = new java.util.concurrent.atomic.AtomicInteger();
        for (int i = 0; i < 5; i++) {
            MessageConsumer c = e.session(ZERO).createConsumer(e.queue());
            Thread t = new Thread(() -> {
                try {
                    for (Message m = c.receive(1000); m != null; m = c.receive(300)) {
                        got.add(text(m));
                        n.incrementAndGet();
                    }
                } catch (JMSException x) {
                    x.printStackTrace();
                }
            });
            threads.add(t);
            t.start();
        }
        for (Thread t : threads) {
            t.join();
        }
        equal("messages", n.get(), 200);
        equal("different ones", got.size(), 200);
    }

    @Scenario(name = "pull/composite", ref = "prefetch 0 on a composite and on a pattern gets from whichever queue has something")
    static void composite(Env e) throws Exception {
        Session s = e.session();
        put(s, e.queue(".a"), "a");
        put(s, e.queue(".b"), "b");
        MessageConsumer c = e.session(ZERO).createConsumer(e.queue(".*"));
        equal("both", new java.util.TreeSet<>(List.of(takeText(c), takeText(c))).toString(), "[a, b]");
    }

    @Scenario(name = "prefetch/destination-option", ref = "consumer.prefetchSize of the destination counts before the connection's policy")
    static void option(Env e) throws Exception {
        MessageConsumer c = client(e.connect("jms.prefetchPolicy.queuePrefetch=100")).createConsumer(e.queue("?consumer.prefetchSize=3"));
        putNumbers(e.session(), e.queue(), 10);
        equal("left for another", drain(e.session().createConsumer(e.queue())).size(), 7);
        wantNumbers(c, 0, 3);
    }

    @Scenario(name = "prefetch/one", ref = "a prefetch of 1 works in every mode")
    static void one(Env e) throws Exception {
        ActiveMQConnection c = e.connect("jms.prefetchPolicy.all=1");
        putNumbers(e.session(), e.queue(), 40);
        MessageConsumer auto = Env.auto(c).createConsumer(e.queue());
        wantNumbers(auto, 0, 10);
        auto.close();
        Session s = client(c);
        MessageConsumer acknowledged = s.createConsumer(e.queue());
        for (int i = 10; i < 20; i++) {
            Message m = take(acknowledged);
            equal("text", text(m), "" + i);
            m.acknowledge();
        }
        acknowledged.close();
        Session tx = transacted(c);
        MessageConsumer in = tx.createConsumer(e.queue());
        wantNumbers(in, 20, 40);
        tx.commit();
        quiet(in);
    }
}

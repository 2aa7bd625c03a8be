package jmstest;

import static jmstest.Env.*;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import javax.jms.BytesMessage;
import javax.jms.DeliveryMode;
import javax.jms.JMSException;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.Session;
import javax.jms.TextMessage;
import org.apache.activemq.ActiveMQConnection;
import org.apache.activemq.ActiveMQMessageProducer;
import org.apache.activemq.AsyncCallback;
import org.apache.activemq.command.ActiveMQQueue;

/** Ways of sending. */
final class Producers {
    private Producers() {}

    @Scenario(name = "send/async", ref = "asynchronous sends of persistent messages all arrive in order")
    static void async(Env e) throws Exception {
        Session s = e.session("jms.useAsyncSend=true");
        MessageProducer p = s.createProducer(e.queue());
        for (int i = 0; i < 1000; i++) {
            p.send(s.createTextMessage("" + i));
        }
        wantNumbers(e.session().createConsumer(e.queue()), 0, 1000);
    }

    @Scenario(name = "send/window", ref = "with a producer window, ProducerAcks of the right size let asynchronous sends go on for ever")
    static void window(Env e) throws Exception {
        Session s = e.session("jms.useAsyncSend=true", "jms.producerWindowSize=8192");
        MessageConsumer c = e.session().createConsumer(e.queue());
        MessageProducer p = s.createProducer(e.queue());
        for (int i = 0; i < 1000; i++) {
            BytesMessage m = s.createBytesMessage();
            m.setIntProperty("n", i);
            m.writeBytes(new byte[i]);
            p.send(m, DeliveryMode.PERSISTENT, 4, 0);
        }
        for (int i = 0; i < 1000; i++) {
            equal("n", take(c).getIntProperty("n"), i);
        }
    }

    @Scenario(name = "send/window-option", ref = "producer.windowSize of the destination does the same")
    static void windowOption(Env e) throws Exception {
        Session s = e.session("jms.useAsyncSend=true");
        MessageProducer p = s.createProducer(e.queue("?producer.windowSize=4096"));
        for (int i = 0; i < 200; i++) {
            p.send(s.createTextMessage("" + i));
        }
        wantNumbers(e.session().createConsumer(e.queue()), 0, 200);
    }

    @Scenario(name = "send/always-sync", ref = "sends that always wait for the broker: non-persistent ones, and those in a transaction too")
    static void alwaysSync(Env e) throws Exception {
        ActiveMQConnection c = e.connect("jms.alwaysSyncSend=true");
        MessageConsumer consumer = e.session().createConsumer(e.queue());
        Session s = Env.auto(c);
        MessageProducer p = s.createProducer(e.queue());
        p.setDeliveryMode(DeliveryMode.NON_PERSISTENT);
        p.send(s.createTextMessage("1"));
        Session tx = transacted(c);
        put(tx, e.queue(), "2");
        tx.commit();
        wantTexts(consumer, "1", "2");
    }

    @Scenario(name = "send/time-out", ref = "sends with a time-out succeed within it")
    static void timeOut(Env e) throws Exception {
        Session s = e.session("jms.sendTimeout=20000");
        put(s, e.queue(), "1");
        wantTexts(s.createConsumer(e.queue()), "1");
    }

    @Scenario(name = "send/callback", ref = "a send with a callback is confirmed by it, hundreds under way at once")
    static void callback(Env e) throws Exception {
        Session s = e.session();
        ActiveMQMessageProducer p = (ActiveMQMessageProducer) s.createProducer(e.queue());
        CountDownLatch confirmed = new CountDownLatch(500);
        AtomicReference<JMSException> failure = new AtomicReference<>();
        for (int i = 0; i < 500; i++) {
            p.send(s.createTextMessage("" + i), new AsyncCallback() {
                @Override
                public void onSuccess() {
                    confirmed.countDown();
                }

                @Override
                public void onException(JMSException x) {
                    failure.set(x);
                }
            });
        }
        check(confirmed.await(PATIENCE, TimeUnit.MILLISECONDS), confirmed.getCount() + " not confirmed");
        equal("failure", failure.get(), null);
        wantNumbers(s.createConsumer(e.queue()), 0, 500);
    }

    @Scenario(name = "send/settings", ref = "a producer's own delivery mode, priority and time to live count for its messages")
    static void settings(Env e) throws Exception {
        Session s = e.session();
        MessageProducer p = s.createProducer(e.queue());
        p.setDeliveryMode(DeliveryMode.NON_PERSISTENT);
        p.setPriority(8);
        p.setTimeToLive(600_000);
        p.send(s.createTextMessage("x"));
        Message m = take(s.createConsumer(e.queue()));
        equal("JMSDeliveryMode", m.getJMSDeliveryMode(), DeliveryMode.NON_PERSISTENT);
        equal("JMSPriority", m.getJMSPriority(), 8);
        equal("JMSExpiration", m.getJMSExpiration(), m.getJMSTimestamp() + 600_000);
    }

    @Scenario(name = "send/same-message", ref = "one message object may be sent again and again, with other content in between")
    static void same(Env e) throws Exception {
        Session s = e.session();
        MessageProducer p = s.createProducer(e.queue());
        javax.jms.TextMessage m = s.createTextMessage();
        for (int i = 0; i < 20; i++) {
            m.setText("" + i);
            p.send(m);
        }
        wantNumbers(s.createConsumer(e.queue()), 0, 20);
    }

    @Scenario(name = "send/without-copy", ref = "with copyMessageOnSend off, and with dispatchAsync off, messages arrive all the same")
    static void options(Env e) throws Exception {
        Session s = e.session("jms.copyMessageOnSend=false", "jms.dispatchAsync=false", "jms.alwaysSessionAsync=false");
        MessageConsumer c = s.createConsumer(e.queue());
        for (int i = 0; i < 20; i++) {
            put(s, e.queue(), "" + i);
        }
        wantNumbers(c, 0, 20);
    }

    @Scenario(name = "send/closed-producer", ref = "a closed producer does not send; its session goes on")
    static void closedProducer(Env e) throws Exception {
        Session s = e.session();
        MessageProducer p = s.createProducer(e.queue());
        p.close();
        fails(javax.jms.IllegalStateException.class, ".*", () -> p.send(s.createTextMessage("x")));
        put(s, e.queue(), "y");
        wantTexts(s.createConsumer(e.queue()), "y");
    }

    /** Sends to a queue with little room until that is used up, from a thread of its own, and returns when sending has stopped. */
    private static Thread fill(Env e, ActiveMQConnection c, ActiveMQQueue q, int n, AtomicInteger sent) throws Exception {
        MessageProducer p = Env.auto(c).createProducer(q);
        TextMessage m = Env.auto(c).createTextMessage("x".repeat(1000));
        Thread t = new Thread(() -> {
            try {
                for (int i = 0; i < n; i++) {
                    p.send(m);
                    sent.incrementAndGet();
                }
            } catch (JMSException x) {
                x.printStackTrace();
            }
        });
        t.start();
        int before = -1;
        while (before != sent.get() || before == 0) {
            before = sent.get();
            Thread.sleep(500);
        }
        check(before < n, "the queue takes everything");
        return t;
    }

    @Scenario(name = "send/full-queue", ref = "a producer waits while its queue is full, and goes on when somebody consumes")
    static void full(Env e) throws Exception {
        ActiveMQQueue q = e.queue(".advised"); // its policy leaves it little room
        AtomicInteger sent = new AtomicInteger();
        Thread t = fill(e, e.connect(), q, 50, sent);
        MessageConsumer consumer = e.session().createConsumer(q);
        for (int i = 0; i < 50; i++) {
            take(consumer);
        }
        t.join(PATIENCE);
        equal("sent", sent.get(), 50);
    }

    @Scenario(name = "send/full-queue-callbacks", ref = "sends with callbacks wait while their queue is full, thousands of them, and all succeed when somebody consumes")
    static void fullCallbacks(Env e) throws Exception {
        int n = 3000;
        ActiveMQQueue q = e.queue(".advised");
        Session s = e.session();
        ActiveMQMessageProducer p = (ActiveMQMessageProducer) s.createProducer(q);
        CountDownLatch answered = new CountDownLatch(n);
        AtomicReference<JMSException> failure = new AtomicReference<>();
        Thread t = new Thread(() -> {
            try {
                for (int i = 0; i < n; i++) {
                    p.send(s.createTextMessage("" + i), new AsyncCallback() {
                        @Override
                        public void onSuccess() {
                            answered.countDown();
                        }

                        @Override
                        public void onException(JMSException x) {
                            failure.set(x);
                            answered.countDown();
                        }
                    });
                }
            } catch (JMSException x) {
                failure.set(x);
            }
        });
        t.start();
        Thread.sleep(500);
        check(answered.getCount() > 0, "the queue takes everything");
        equal("failure while it is full", failure.get(), null);
        wantNumbers(e.connect().createSession(false, Session.AUTO_ACKNOWLEDGE).createConsumer(q), 0, n);
        t.join(PATIENCE);
        check(answered.await(PATIENCE, TimeUnit.MILLISECONDS), answered.getCount() + " not answered");
        equal("failure", failure.get(), null);
    }

    @Scenario(name = "send/full-queue-same-connection", ref = "while a producer waits for room, its connection goes on: a consumer that is made on it then makes the room, also for a producer with a window")
    static void fullSame(Env e) throws Exception {
        for (String option : new String[] {"jms.alwaysSyncSend=false", "jms.useAsyncSend=true&jms.producerWindowSize=10000"}) {
            ActiveMQQueue q = e.queue(".advised");
            AtomicInteger sent = new AtomicInteger();
            ActiveMQConnection c = e.connect(option);
            Thread t = fill(e, c, q, 50, sent);
            MessageConsumer consumer = Env.auto(c).createConsumer(q);
            for (int i = 0; i < 50; i++) {
                take(consumer);
            }
            t.join(PATIENCE);
            equal("sent", sent.get(), 50);
            c.close();
        }
    }
}

package jmstest;

import static jmstest.Env.*;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.Session;
import org.apache.activemq.ActiveMQConnection;
import org.apache.activemq.ActiveMQSession;

/** Acknowledgement in every mode. */
final class Acks {
    private Acks() {}

    /** What is left in the queue, as another connection sees it, in order. */
    static void wantLeft(Env e, String... texts) throws Exception {
        MessageConsumer c = e.session().createConsumer(e.queue());
        wantTexts(c, texts);
        quiet(c);
        c.close();
    }

    @Scenario(name = "ack/auto", ref = "in mode AUTO_ACKNOWLEDGE a message that was received is gone")
    static void auto(Env e) throws Exception {
        ActiveMQConnection c = e.connect();
        Session s = Env.auto(c);
        putAll(s, e.queue(), "1", "2", "3");
        MessageConsumer consumer = s.createConsumer(e.queue());
        wantTexts(consumer, "1", "2");
        c.close();
        wantLeft(e, "3");
    }

    @Scenario(name = "ack/auto-listener", ref = "a listener's messages are gone when it has returned")
    static void autoListener(Env e) throws Exception {
        ActiveMQConnection c = e.connect();
        Session s = Env.auto(c);
        CountDownLatch got = new CountDownLatch(3);
        s.createConsumer(e.queue()).setMessageListener(m -> got.countDown());
        putAll(Env.auto(e.connect()), e.queue(), "1", "2", "3");
        check(got.await(PATIENCE, TimeUnit.MILLISECONDS), "not all came");
        c.close();
        wantLeft(e);
    }

    @Scenario(name = "ack/client-all", ref = "acknowledge in mode CLIENT_ACKNOWLEDGE takes all that the session has received, also of its other consumers")
    static void clientAll(Env e) throws Exception {
        ActiveMQConnection c = e.connect();
        Session s = client(c);
        putAll(s, e.queue(), "1", "2", "3", "4");
        putAll(s, e.queue(".other"), "a", "b");
        MessageConsumer consumer = s.createConsumer(e.queue());
        MessageConsumer other = s.createConsumer(e.queue(".other"));
        wantTexts(consumer, "1", "2");
        wantTexts(other, "a");
        take(consumer).acknowledge();
        c.close();
        wantLeft(e, "4");
        wantTexts(e.session().createConsumer(e.queue(".other")), "b");
    }

    @Scenario(name = "ack/client-none", ref = "without an acknowledge everything comes again, in order, and only what was received is marked redelivered")
    static void clientNone(Env e) throws Exception {
        ActiveMQConnection c = e.connect();
        Session s = client(c);
        putAll(s, e.queue(), "1", "2", "3", "4");
        MessageConsumer consumer = s.createConsumer(e.queue());
        wantTexts(consumer, "1", "2");
        c.close();
        MessageConsumer again = e.session().createConsumer(e.queue());
        for (int i = 1; i <= 4; i++) {
            Message m = take(again);
            equal("text", text(m), Integer.toString(i));
            equal("JMSRedelivered of " + i, m.getJMSRedelivered(), i <= 2);
            equal("JMSXDeliveryCount of " + i, m.getIntProperty("JMSXDeliveryCount"), i <= 2 ? 2 : 1);
        }
    }

    @Scenario(name = "ack/client-ranges", ref = "acknowledging again and again in the middle of a long delivery leaves exactly the rest")
    static void clientRanges(Env e) throws Exception {
        ActiveMQConnection c = e.connect("jms.prefetchPolicy.queuePrefetch=20");
        Session s = client(c);
        putNumbers(s, e.queue(), 100);
        MessageConsumer consumer = s.createConsumer(e.queue());
        for (int i = 0; i < 77; i++) {
            Message m = take(consumer);
            equal("text", text(m), Integer.toString(i));
            if (i % 10 == 4) {
                m.acknowledge();
            }
        }
        c.close();
        MessageConsumer again = e.session().createConsumer(e.queue());
        wantNumbers(again, 75, 100);
        quiet(again);
    }

    @Scenario(name = "ack/client-beyond-prefetch", ref = "a consumer that acknowledges nothing yet gets more than its prefetch, since it says what it has received")
    static void beyondPrefetch(Env e) throws Exception {
        Session s = client(e.connect("jms.prefetchPolicy.queuePrefetch=10"));
        putNumbers(s, e.queue(), 50);
        MessageConsumer c = s.createConsumer(e.queue());
        wantNumbers(c, 0, 49);
        take(c).acknowledge();
        c.close();
        wantLeft(e);
    }

    @Scenario(name = "ack/client-many", ref = "a consumer may gather as many messages as its prefetch allows before it acknowledges",
            activemq = "pages in 200 messages and stalls there until some are acknowledged",
            why = "a consumer that gathers a batch before it acknowledges would wait for ever")
    static void gatherMany(Env e) throws Exception {
        Session s = client(e.connect());
        putNumbers(s, e.queue(), 900);
        MessageConsumer c = s.createConsumer(e.queue());
        if (e.differs()) {
            int n = 0;
            for (Message m = c.receive(3000); m != null && n < 900; m = c.receive(1000)) {
                n++;
            }
            check(n >= 200, "only " + n + " came");
            return;
        }
        wantNumbers(c, 0, 899);
        take(c).acknowledge();
        c.close();
        wantLeft(e);
    }

    @Scenario(name = "ack/recover", ref = "recover gives what was not acknowledged again, in order and marked redelivered")
    static void recover(Env e) throws Exception {
        Session s = client(e.connect("jms.redeliveryPolicy.initialRedeliveryDelay=0"));
        putAll(s, e.queue(), "1", "2", "3");
        MessageConsumer c = s.createConsumer(e.queue());
        take(c).acknowledge();
        wantTexts(c, "2", "3");
        s.recover();
        Message two = take(c);
        equal("text", text(two), "2");
        equal("JMSRedelivered", two.getJMSRedelivered(), true);
        equal("JMSXDeliveryCount", two.getIntProperty("JMSXDeliveryCount"), 2);
        take(c).acknowledge();
        c.close();
        wantLeft(e);
    }

    @Scenario(name = "ack/individual", ref = "in mode INDIVIDUAL_ACKNOWLEDGE an acknowledge is for that message alone")
    static void individual(Env e) throws Exception {
        ActiveMQConnection c = e.connect();
        Session s = c.createSession(false, ActiveMQSession.INDIVIDUAL_ACKNOWLEDGE);
        putAll(s, e.queue(), "1", "2", "3", "4", "5");
        MessageConsumer consumer = s.createConsumer(e.queue());
        List<Message> all = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            all.add(take(consumer));
        }
        all.get(3).acknowledge();
        all.get(1).acknowledge();
        c.close();
        wantLeft(e, "1", "3", "5");
    }

    @Scenario(name = "ack/individual-window", ref = "messages acknowledged one by one, out of order, make room for others in a small window")
    static void individualWindow(Env e) throws Exception {
        ActiveMQConnection c = e.connect("jms.prefetchPolicy.queuePrefetch=4");
        Session s = c.createSession(false, ActiveMQSession.INDIVIDUAL_ACKNOWLEDGE);
        putNumbers(s, e.queue(), 40);
        MessageConsumer consumer = s.createConsumer(e.queue());
        Message kept = take(consumer);
        for (int i = 1; i < 40; i++) {
            Message m = take(consumer);
            equal("text", text(m), Integer.toString(i));
            m.acknowledge();
        }
        kept.acknowledge();
        c.close();
        wantLeft(e);
    }

    @Scenario(name = "ack/dups-ok", ref = "in mode DUPS_OK_ACKNOWLEDGE what was received is gone when the session has closed")
    static void dupsOk(Env e) throws Exception {
        ActiveMQConnection c = e.connect();
        Session s = c.createSession(false, Session.DUPS_OK_ACKNOWLEDGE);
        putNumbers(s, e.queue(), 30);
        MessageConsumer consumer = s.createConsumer(e.queue());
        wantNumbers(consumer, 0, 25);
        s.close();
        c.close();
        MessageConsumer again = e.session().createConsumer(e.queue());
        wantNumbers(again, 25, 30);
        quiet(again);
    }

    @Scenario(name = "ack/dups-ok-topic", ref = "the same for a topic, where the acks are batched")
    static void dupsOkTopic(Env e) throws Exception {
        ActiveMQConnection c = e.connect("jms.prefetchPolicy.topicPrefetch=10");
        Session s = c.createSession(false, Session.DUPS_OK_ACKNOWLEDGE);
        MessageConsumer consumer = s.createConsumer(e.topic());
        putNumbers(e.session(), e.topic(), 100);
        wantNumbers(consumer, 0, 100);
    }

    @Scenario(name = "ack/optimized", ref = "with optimizeAcknowledge, acks come as ranges now and then, and what was received is gone after closing")
    static void optimized(Env e) throws Exception {
        ActiveMQConnection c = e.connect("jms.optimizeAcknowledge=true", "jms.prefetchPolicy.queuePrefetch=50");
        Session s = Env.auto(c);
        putNumbers(s, e.queue(), 180);
        MessageConsumer consumer = s.createConsumer(e.queue());
        wantNumbers(consumer, 0, 170);
        consumer.close();
        c.close();
        MessageConsumer again = e.session().createConsumer(e.queue());
        wantNumbers(again, 170, 180);
        quiet(again);
    }

    @Scenario(name = "ack/optimized-timeout", ref = "with optimizeAcknowledge, the ack of the last messages comes after optimizeAcknowledgeTimeOut with the next message")
    static void optimizedTimeout(Env e) throws Exception {
        ActiveMQConnection c = e.connect("jms.optimizeAcknowledge=true", "jms.optimizeAcknowledgeTimeOut=50", "jms.optimizedAckScheduledAckInterval=100");
        Session s = Env.auto(c);
        putAll(s, e.queue(), "1", "2");
        wantTexts(s.createConsumer(e.queue()), "1", "2");
        Session other = e.session();
        await("the acks arrive", () -> browse(other, e.queue(), null).isEmpty());
    }

    @Scenario(name = "ack/synchronous", ref = "acks are answered where the client asks for it")
    static void synchronous(Env e) throws Exception {
        ActiveMQConnection c = e.connect("jms.sendAcksAsync=false");
        Session s = Env.auto(c);
        putNumbers(s, e.queue(), 20);
        MessageConsumer consumer = s.createConsumer(e.queue());
        wantNumbers(consumer, 0, 20);
        Session i = c.createSession(false, ActiveMQSession.INDIVIDUAL_ACKNOWLEDGE);
        put(i, e.queue(".i"), "x");
        take(i.createConsumer(e.queue(".i"))).acknowledge();
        c.close();
        wantLeft(e);
    }

    @Scenario(name = "ack/consumer-closed", ref = "what a closing consumer has prefetched and not handed over goes to others at once, not marked redelivered")
    static void consumerClosed(Env e) throws Exception {
        Session s = client(e.connect());
        putAll(s, e.queue(), "1", "2", "3");
        MessageConsumer first = s.createConsumer(e.queue());
        equal("text", takeText(first), "1");
        first.close();
        MessageConsumer second = e.session().createConsumer(e.queue());
        List<String> got = new ArrayList<>();
        Message m = second.receive(2000);
        for (; m != null; m = second.receive(QUIET)) {
            got.add(text(m));
            if (!text(m).equals("1")) {
                equal("JMSRedelivered of " + text(m), m.getJMSRedelivered(), false);
            }
        }
        check(got.contains("2") && got.contains("3"), "came: " + got);
    }

    @Scenario(name = "ack/session-closed", ref = "a session that closes gives back what it has not acknowledged, marked redelivered where it was received")
    static void sessionClosed(Env e) throws Exception {
        Session s = client(e.connect());
        putAll(s, e.queue(), "1", "2", "3");
        wantTexts(s.createConsumer(e.queue()), "1");
        s.close();
        MessageConsumer again = e.session().createConsumer(e.queue());
        for (int i = 1; i <= 3; i++) {
            Message m = take(again);
            equal("text", text(m), Integer.toString(i));
            equal("JMSRedelivered of " + i, m.getJMSRedelivered(), i == 1);
        }
    }

    @Scenario(name = "ack/returned-in-front", ref = "what comes back comes before newer messages")
    static void inFront(Env e) throws Exception {
        ActiveMQConnection c = e.connect("jms.prefetchPolicy.queuePrefetch=3");
        Session s = client(c);
        putAll(s, e.queue(), "1", "2", "3", "4", "5", "6");
        wantTexts(s.createConsumer(e.queue()), "1", "2", "3");
        c.close();
        wantLeft(e, "1", "2", "3", "4", "5", "6");
    }

    @Scenario(name = "ack/topic-modes", ref = "topic consumers acknowledge in every mode, ranges included")
    static void topicModes(Env e) throws Exception {
        ActiveMQConnection c = e.connect("jms.prefetchPolicy.topicPrefetch=20");
        for (int mode : new int[] {Session.AUTO_ACKNOWLEDGE, Session.CLIENT_ACKNOWLEDGE, Session.DUPS_OK_ACKNOWLEDGE, ActiveMQSession.INDIVIDUAL_ACKNOWLEDGE}) {
            Session s = c.createSession(false, mode);
            MessageConsumer consumer = s.createConsumer(e.topic("." + mode));
            putNumbers(e.session(), e.topic("." + mode), 90);
            for (int i = 0; i < 90; i++) {
                Message m = take(consumer);
                equal("text", text(m), Integer.toString(i));
                if (i % 10 == 9 || mode == ActiveMQSession.INDIVIDUAL_ACKNOWLEDGE) {
                    m.acknowledge();
                }
            }
            s.close();
        }
    }

    @Scenario(name = "ack/stopped-connection", ref = "a stopped connection delivers nothing until it is started again, and loses nothing")
    static void stopped(Env e) throws Exception {
        ActiveMQConnection c = e.connect();
        Session s = Env.auto(c);
        MessageConsumer consumer = s.createConsumer(e.queue());
        c.stop();
        putAll(e.session(), e.queue(), "1", "2");
        equal("message", consumer.receive(QUIET), null);
        c.start();
        wantTexts(consumer, "1", "2");
    }
}

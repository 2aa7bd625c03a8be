package jmstest;

import static jmstest.Env.*;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import javax.jms.DeliveryMode;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.Session;
import javax.jms.TextMessage;
import org.apache.activemq.ActiveMQConnection;
import org.apache.activemq.command.ActiveMQMessage;
import org.apache.activemq.command.ActiveMQQueue;

/** Redelivery and dead letters. */
final class Redelivery {
    private Redelivery() {}

    static final ActiveMQQueue DLQ = new ActiveMQQueue("ActiveMQ.DLQ");

    static String[] policy(int maximum) {
        return new String[] {"jms.redeliveryPolicy.initialRedeliveryDelay=0", "jms.redeliveryPolicy.redeliveryDelay=0", "jms.redeliveryPolicy.maximumRedeliveries=" + maximum};
    }

    /** Sends a persistent text that can be told from others in the shared dead letter queue. */
    static TextMessage putMarked(Env e, Session s, javax.jms.Destination to, String text, int mode) throws Exception {
        TextMessage m = s.createTextMessage(text);
        m.setStringProperty("run", e.unique);
        m.setJMSCorrelationID("c-" + text);
        s.createProducer(to).send(m, mode, 5, 0);
        return m;
    }

    static MessageConsumer deadLetters(Env e, Session s) throws Exception {
        return s.createConsumer(DLQ, "run = '" + e.unique + "'");
    }

    @Scenario(name = "redelivery/rollback-counts", ref = "each rollback counts: JMSXDeliveryCount goes up by one, JMSRedelivered is set, and order is kept")
    static void counts(Env e) throws Exception {
        Session s = transacted(e.connect(policy(6)));
        putAll(s, e.queue(), "1", "2");
        s.commit();
        MessageConsumer c = s.createConsumer(e.queue());
        for (int round = 1; round <= 5; round++) {
            for (String want : List.of("1", "2")) {
                Message m = take(c);
                equal("text", text(m), want);
                equal("JMSXDeliveryCount", m.getIntProperty("JMSXDeliveryCount"), round);
                equal("JMSRedelivered", m.getJMSRedelivered(), round > 1);
            }
            s.rollback();
        }
        wantTexts(c, "1", "2");
        s.commit();
        quiet(c);
    }

    /** Takes and rolls back until nothing comes any more, and returns how often it came. */
    static int exhaust(Session s, MessageConsumer c) throws Exception {
        take(c);
        int n = 1;
        s.rollback();
        while (c.receive(1000) != null) {
            n++;
            s.rollback();
        }
        return n;
    }

    @Scenario(name = "redelivery/dead-letter", ref = "after maximumRedeliveries a message moves to ActiveMQ.DLQ with its id, properties and correlation id, with the cause that the client gave, the original queue and originalExpiration")
    static void deadLetter(Env e) throws Exception {
        Session s = transacted(e.connect(policy(2)));
        Session own = e.session();
        TextMessage sent = putMarked(e, own, e.queue(), "poison", DeliveryMode.PERSISTENT);
        equal("deliveries", exhaust(s, s.createConsumer(e.queue())), 3);
        Message dead = take(deadLetters(e, own));
        equal("text", text(dead), "poison");
        equal("JMSMessageID", dead.getJMSMessageID(), sent.getJMSMessageID());
        equal("JMSCorrelationID", dead.getJMSCorrelationID(), "c-poison");
        equal("JMSDestination", dead.getJMSDestination(), DLQ);
        equal("JMSDeliveryMode", dead.getJMSDeliveryMode(), DeliveryMode.PERSISTENT);
        equal("JMSPriority", dead.getJMSPriority(), 5);
        equal("JMSExpiration", dead.getJMSExpiration(), 0L);
        equal("original destination", ((ActiveMQMessage) dead).getOriginalDestination(), e.queue());
        equal("originalExpiration", dead.getObjectProperty("originalExpiration"), 0L);
        matches("dlqDeliveryFailureCause", dead.getStringProperty("dlqDeliveryFailureCause"),
                "java\\.lang\\.Throwable: Delivery\\[3\\] exceeds redelivery policy limit:RedeliveryPolicy \\{.*\\}, cause:.*");
    }

    @Scenario(name = "redelivery/default-limit", ref = "the default policy allows six redeliveries: the seventh rollback dead-letters")
    static void defaultLimit(Env e) throws Exception {
        Session s = transacted(e.connect("jms.redeliveryPolicy.initialRedeliveryDelay=0", "jms.redeliveryPolicy.redeliveryDelay=0"));
        Session own = e.session();
        putMarked(e, own, e.queue(), "seven", DeliveryMode.PERSISTENT);
        equal("deliveries", exhaust(s, s.createConsumer(e.queue())), 7);
        wantTexts(deadLetters(e, own), "seven");
    }

    @Scenario(name = "redelivery/non-persistent", ref = "a non-persistent message that is poison vanishes")
    static void nonPersistent(Env e) throws Exception {
        Session s = transacted(e.connect(policy(1)));
        Session own = e.session();
        putMarked(e, own, e.queue(), "vanishes", DeliveryMode.NON_PERSISTENT);
        MessageConsumer c = s.createConsumer(e.queue());
        equal("deliveries", exhaust(s, c), 2);
        putMarked(e, own, e.queue(), "stays", DeliveryMode.PERSISTENT);
        equal("deliveries", exhaust(s, c), 2);
        MessageConsumer dead = deadLetters(e, own);
        wantTexts(dead, "stays");
        quiet(dead);
    }

    @Scenario(name = "redelivery/durable", ref = "poison of a durable subscription moves to the same dead letter queue and is gone from the subscription")
    static void durable(Env e) throws Exception {
        ActiveMQConnection c = e.connectAs(e.unique, policy(1));
        Session s = transacted(c);
        MessageConsumer sub = s.createDurableSubscriber(e.topic(), "sub");
        Session own = e.session();
        putMarked(e, own, e.topic(), "poison", DeliveryMode.PERSISTENT);
        equal("deliveries", exhaust(s, sub), 2);
        Message dead = take(deadLetters(e, own));
        equal("text", text(dead), "poison");
        equal("original destination", ((ActiveMQMessage) dead).getOriginalDestination(), e.topic());
        sub.close();
        sub = s.createDurableSubscriber(e.topic(), "sub");
        quiet(sub);
    }

    @Scenario(name = "redelivery/listener-throws", ref = "a listener that throws gets its message again, and after the limit it is dead-lettered with the exception's text")
    static void listener(Env e) throws Exception {
        ActiveMQConnection c = e.connect(policy(2));
        Session own = e.session();
        List<Integer> counts = Collections.synchronizedList(new ArrayList<>());
        CountDownLatch good = new CountDownLatch(1);
        Env.auto(c).createConsumer(e.queue()).setMessageListener(m -> {
            try {
                if (text(m).equals("good")) {
                    good.countDown();
                    return;
                }
                counts.add(m.getIntProperty("JMSXDeliveryCount"));
            } catch (javax.jms.JMSException x) {
                counts.add(-1);
            }
            throw new IllegalArgumentException("I can't");
        });
        putMarked(e, own, e.queue(), "bad", DeliveryMode.PERSISTENT);
        putMarked(e, own, e.queue(), "good", DeliveryMode.PERSISTENT);
        Message dead = take(deadLetters(e, own));
        equal("text", text(dead), "bad");
        matches("dlqDeliveryFailureCause", dead.getStringProperty("dlqDeliveryFailureCause"), ".*exceeds redelivery policy limit.*I can't.*");
        equal("counts", counts.toString(), "[1, 2, 3]");
        check(good.await(PATIENCE, TimeUnit.MILLISECONDS), "the next message does not come");
    }

    @Scenario(name = "redelivery/recover-limit", ref = "recover counts towards the limit like a rollback")
    static void recoverLimit(Env e) throws Exception {
        Session s = client(e.connect(policy(1)));
        Session own = e.session();
        putMarked(e, own, e.queue(), "poison", DeliveryMode.PERSISTENT);
        MessageConsumer c = s.createConsumer(e.queue());
        take(c);
        s.recover();
        take(c);
        s.recover();
        wantTexts(deadLetters(e, own), "poison");
        quiet(c);
    }

    @Scenario(name = "redelivery/over-consumers", ref = "the count survives the consumer: it goes on at the next one, and a transacted consumer whose limit it exceeds dead-letters it unseen")
    static void overConsumers(Env e) throws Exception {
        Session own = e.session();
        putMarked(e, own, e.queue(), "passed on", DeliveryMode.PERSISTENT);
        for (int round = 1; round <= 3; round++) {
            ActiveMQConnection c = e.connect(policy(-1));
            Session s = client(c);
            Message m = take(s.createConsumer(e.queue()));
            equal("JMSXDeliveryCount", m.getIntProperty("JMSXDeliveryCount"), round);
            c.close();
        }
        MessageConsumer strict = transacted(e.connect(policy(1))).createConsumer(e.queue());
        quiet(strict);
        wantTexts(deadLetters(e, own), "passed on");
    }

    @Scenario(name = "redelivery/unlimited", ref = "a policy without a limit never dead-letters")
    static void unlimited(Env e) throws Exception {
        Session s = transacted(e.connect(policy(-1)));
        put(e.session(), e.queue(), "again");
        MessageConsumer c = s.createConsumer(e.queue());
        for (int i = 1; i <= 20; i++) {
            equal("JMSXDeliveryCount", take(c).getIntProperty("JMSXDeliveryCount"), i);
            s.rollback();
        }
        take(c);
        s.commit();
        quiet(c);
    }

    @Scenario(name = "redelivery/delay", ref = "with a delay, the message comes again after it, and the session goes on after that")
    static void delay(Env e) throws Exception {
        Session s = transacted(e.connect("jms.redeliveryPolicy.initialRedeliveryDelay=300"));
        putAll(e.session(), e.queue(), "1", "2");
        MessageConsumer c = s.createConsumer(e.queue());
        take(c);
        long begin = System.currentTimeMillis();
        s.rollback();
        wantTexts(c, "1");
        check(System.currentTimeMillis() - begin >= 290, "too early");
        wantTexts(c, "2");
        s.commit();
    }

    @Scenario(name = "redelivery/non-blocking", ref = "with nonBlockingRedelivery other messages pass the one that waits")
    static void nonBlocking(Env e) throws Exception {
        Session s = transacted(e.connect("jms.nonBlockingRedelivery=true", "jms.redeliveryPolicy.initialRedeliveryDelay=700", "jms.prefetchPolicy.queuePrefetch=1"));
        putAll(e.session(), e.queue(), "1", "2");
        MessageConsumer c = s.createConsumer(e.queue());
        wantTexts(c, "1");
        s.rollback();
        wantTexts(c, "2");
        s.commit();
        wantTexts(c, "1");
        s.commit();
    }

    @Scenario(name = "redelivery/from-dead-letters", ref = "a dead letter can be taken from its queue, rolled back and taken again; past the limit there it is not dead-lettered once more")
    static void fromDeadLetters(Env e) throws Exception {
        Session s = transacted(e.connect(policy(1)));
        Session own = e.session();
        putMarked(e, own, e.queue(), "poison", DeliveryMode.PERSISTENT);
        exhaust(s, s.createConsumer(e.queue()));
        Session third = transacted(e.connect(policy(-1)));
        MessageConsumer c = third.createConsumer(DLQ, "run = '" + e.unique + "'");
        for (int i = 0; i < 3; i++) {
            equal("text", takeText(c), "poison");
            third.rollback();
        }
        equal("text", takeText(c), "poison");
        third.commit();
        quiet(c);
    }

    @Scenario(name = "redelivery/transaction-noted", ref = "a dead letter that was sent in a transaction names it as its original one")
    static void transactionNoted(Env e) throws Exception {
        Session s = transacted(e.connect(policy(0)));
        putMarked(e, s, e.queue(), "poison", DeliveryMode.PERSISTENT);
        s.commit();
        exhaust(s, s.createConsumer(e.queue()));
        ActiveMQMessage dead = (ActiveMQMessage) take(deadLetters(e, e.session()));
        check(dead.getOriginalTransactionId() != null, "no original transaction");
    }

    @Scenario(name = "redelivery/connection-lost", ref = "when a connection breaks, everything that was sent to it counts as delivered")
    static void connectionLost(Env e) throws Exception {
        Relay relay = e.relay();
        ActiveMQConnection c = e.start(e.factoryFor(relay.url()));
        Session s = client(c);
        putAll(e.session(), e.queue(), "1", "2");
        wantTexts(s.createConsumer(e.queue()), "1");
        relay.cut();
        MessageConsumer again = e.session().createConsumer(e.queue());
        for (String want : List.of("1", "2")) {
            Message m = take(again);
            equal("text", text(m), want);
            equal("JMSRedelivered of " + want, m.getJMSRedelivered(), true);
        }
    }
}

package jmstest;

import static jmstest.Env.*;

import javax.jms.DeliveryMode;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.Session;
import javax.jms.TextMessage;
import org.apache.activemq.ActiveMQConnection;

/** Messages that expire. */
final class Expiry {
    private Expiry() {}

    static void send(Env e, Session s, String text, int mode, long ttl) throws Exception {
        TextMessage m = s.createTextMessage(text);
        m.setStringProperty("run", e.unique);
        MessageProducer p = s.createProducer(e.queue());
        p.send(m, mode, 4, ttl);
        p.close();
    }

    @Scenario(name = "expiry/waiting", ref = "a message that expires while it waits is not delivered; a persistent one is dead-lettered with the time in its cause and in originalExpiration")
    static void waiting(Env e) throws Exception {
        Session s = e.session();
        send(e, s, "expires", DeliveryMode.PERSISTENT, 100);
        send(e, s, "stays", DeliveryMode.PERSISTENT, 0);
        Thread.sleep(250);
        MessageConsumer c = s.createConsumer(e.queue());
        wantTexts(c, "stays");
        Message dead = take(Redelivery.deadLetters(e, s));
        equal("text", text(dead), "expires");
        equal("JMSExpiration", dead.getJMSExpiration(), 0L);
        matches("dlqDeliveryFailureCause", dead.getStringProperty("dlqDeliveryFailureCause"), "java.lang.Throwable: Message Expired. Expiration:\\d+");
        check(dead.getLongProperty("originalExpiration") > 0, "originalExpiration is " + dead.getObjectProperty("originalExpiration"));
    }

    @Scenario(name = "expiry/non-persistent", ref = "a non-persistent one vanishes")
    static void nonPersistent(Env e) throws Exception {
        Session s = e.session();
        send(e, s, "vanishes", DeliveryMode.NON_PERSISTENT, 50);
        Thread.sleep(150);
        send(e, s, "stays", DeliveryMode.PERSISTENT, 0);
        wantTexts(s.createConsumer(e.queue()), "stays");
        quiet(Redelivery.deadLetters(e, s));
    }

    @Scenario(name = "expiry/prefetched", ref = "a message that expires in the client's hands is not handed over, and what the client says about it is understood")
    static void prefetched(Env e) throws Exception {
        ActiveMQConnection c = e.connect();
        Session s = Env.auto(c);
        MessageConsumer consumer = s.createConsumer(e.queue());
        send(e, e.session(), "expires", DeliveryMode.PERSISTENT, 300);
        await("it is prefetched", () -> ((org.apache.activemq.ActiveMQMessageConsumer) consumer).getMessageSize() == 1);
        Thread.sleep(400);
        send(e, e.session(), "stays", DeliveryMode.PERSISTENT, 0);
        wantTexts(consumer, "stays");
        wantTexts(Redelivery.deadLetters(e, e.session()), "expires");
        consumer.close();
        equal("left", browse(s, e.queue(), null).size(), 0);
    }

    @Scenario(name = "expiry/in-time", ref = "a message that lives long enough is delivered with its expiration")
    static void inTime(Env e) throws Exception {
        Session s = e.session();
        send(e, s, "in time", DeliveryMode.PERSISTENT, 60_000);
        Message m = take(s.createConsumer(e.queue()));
        check(m.getJMSExpiration() > System.currentTimeMillis(), "JMSExpiration is " + m.getJMSExpiration());
    }

    @Scenario(name = "expiry/topic", ref = "subscribers do not get what has expired before they took it")
    static void topic(Env e) throws Exception {
        Session s = e.session();
        MessageConsumer c = e.session().createConsumer(e.topic());
        MessageProducer p = s.createProducer(e.topic());
        p.send(s.createTextMessage("expires"), DeliveryMode.NON_PERSISTENT, 4, 50);
        Thread.sleep(150);
        p.send(s.createTextMessage("stays"));
        wantTexts(c, "stays");
    }

    @Scenario(name = "expiry/past", ref = "a message that has expired before it arrives reaches nobody")
    static void past(Env e) throws Exception {
        ActiveMQConnection c = e.connect();
        Session s = Env.auto(c);
        MessageConsumer consumer = e.session().createConsumer(e.queue());
        TextMessage m = s.createTextMessage("too late");
        MessageProducer p = s.createProducer(e.queue());
        p.setTimeToLive(1);
        for (int i = 0; i < 5; i++) {
            p.send(m);
        }
        put(s, e.queue(), "in time");
        String text = takeText(consumer);
        while (text.equals("too late")) {
            text = takeText(consumer);
        }
        equal("text", text, "in time");
    }
}

package jmstest;

import static jmstest.Env.*;

import javax.jms.DeliveryMode;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.Session;
import org.apache.activemq.advisory.AdvisorySupport;
import org.apache.activemq.command.ActiveMQDestination;
import org.apache.activemq.command.ActiveMQMessage;
import org.apache.activemq.command.ActiveMQQueue;
import org.apache.activemq.command.ActiveMQTextMessage;
import org.apache.activemq.command.ActiveMQTopic;
import org.apache.activemq.command.ConsumerInfo;
import org.apache.activemq.command.DataStructure;
import org.apache.activemq.command.Message;

/** Advisories that policies turn on: the broker has such a policy for destinations that end in ".advised". */
final class Advised {
    private Advised() {}

    static MessageConsumer listen(Env e, String prefix, ActiveMQDestination d) throws Exception {
        return e.session().createConsumer(new ActiveMQTopic("ActiveMQ.Advisory." + prefix + "." + d.getDestinationTypeAsString() + "." + d.getPhysicalName()));
    }

    static void send(Session s, ActiveMQDestination d, String text, int mode) throws Exception {
        MessageProducer p = s.createProducer(d);
        p.setDeliveryMode(mode);
        p.send(s.createTextMessage(text));
        p.close();
    }

    static void about(MessageConsumer news, ActiveMQDestination d, String id) throws Exception {
        ActiveMQMessage m = Advisories.next(news, Message.class);
        Message told = (Message) m.getDataStructure();
        equal("destination", told.getDestination(), d);
        equal("orignalMessageId", m.getStringProperty(AdvisorySupport.MSG_PROPERTY_MESSAGE_ID), told.getMessageId().toString());
        if (id != null) {
            equal("message id", told.getMessageId().toString(), id);
        }
    }

    @Scenario(name = "advised/no-consumer", ref = "a non-persistent message that nobody consumes comes itself on ActiveMQ.Advisory.NoConsumer, a persistent one does not")
    static void noConsumer(Env e) throws Exception {
        Session s = e.session();
        for (ActiveMQDestination d : new ActiveMQDestination[] {e.queue(".advised"), e.topic(".advised")}) {
            MessageConsumer news = listen(e, "NoConsumer", d);
            send(s, d, "kept", DeliveryMode.PERSISTENT);
            send(s, d, "lost", DeliveryMode.NON_PERSISTENT);
            equal("text", ((ActiveMQTextMessage) take(news)).getText(), "lost");
            quiet(news);
        }
    }

    @Scenario(name = "advised/delivered-and-consumed", ref = "messages that were taken and acknowledged are told by their identifiers, without a body")
    static void consumed(Env e) throws Exception {
        Session s = e.session();
        ActiveMQQueue q = e.queue(".advised");
        MessageConsumer delivered = listen(e, "MessageDelivered", q);
        MessageConsumer consumed = listen(e, "MessageConsumed", q);
        send(s, q, "x", DeliveryMode.PERSISTENT);
        about(delivered, q, null);
        String id = take(s.createConsumer(q)).getJMSMessageID();
        about(consumed, q, id);
        quiet(consumed);
    }

    @Scenario(name = "advised/slow-and-discarded", ref = "a topic consumer that does not keep up is told, and so are the messages that it loses, with their number")
    static void slow(Env e) throws Exception {
        ActiveMQTopic t = e.topic(".advised");
        MessageConsumer slow = listen(e, "SlowConsumer", t);
        MessageConsumer discarded = listen(e, "MessageDiscarded", t);
        Session held = Env.client(e.connect());
        MessageConsumer c = held.createConsumer(new ActiveMQTopic(t.getPhysicalName() + "?consumer.prefetchSize=2"));
        Session s = e.session();
        for (int i = 0; i < 12; i++) {
            send(s, t, "m" + i, DeliveryMode.NON_PERSISTENT);
        }
        ActiveMQMessage m = Advisories.next(slow, ConsumerInfo.class);
        ConsumerInfo info = (ConsumerInfo) m.getDataStructure();
        equal("consumerId", m.getStringProperty(AdvisorySupport.MSG_PROPERTY_CONSUMER_ID), info.getConsumerId().toString());
        m = Advisories.next(discarded, Message.class);
        equal("discardedCount", m.getIntProperty(AdvisorySupport.MSG_PROPERTY_DISCARDED_COUNT), 1);
        equal("consumerId", m.getStringProperty(AdvisorySupport.MSG_PROPERTY_CONSUMER_ID), info.getConsumerId().toString());
        c.close();
    }

    @Scenario(name = "advised/full", ref = "a queue that has reached its limit is told with the name of the limit, and its producer as a fast one")
    static void full(Env e) throws Exception {
        ActiveMQQueue q = e.queue(".advised");
        MessageConsumer full = listen(e, "FULL", q);
        MessageConsumer fast = listen(e, "FastProducer", q);
        Session s = e.session();
        MessageProducer p = s.createProducer(q);
        p.setDeliveryMode(DeliveryMode.NON_PERSISTENT);
        Thread writer = new Thread(() -> {
            try {
                for (int i = 0; i < 100; i++) {
                    p.send(s.createTextMessage("x".repeat(4000)));
                }
            } catch (javax.jms.JMSException closed) {
                // the test is over
            }
        });
        writer.start();
        ActiveMQMessage m = (ActiveMQMessage) take(full);
        equal("JMSType", m.getJMSType(), "Advisory");
        check(m.getStringProperty(AdvisorySupport.MSG_PROPERTY_USAGE_NAME) != null, "no usageName");
        m = Advisories.next(fast, DataStructure.class);
        check(m.getStringProperty(AdvisorySupport.MSG_PROPERTY_PRODUCER_ID) != null, "no producerId");
        MessageConsumer drain = e.session().createConsumer(q);
        for (int i = 0; i < 100; i++) {
            take(drain);
        }
        writer.join();
    }
}

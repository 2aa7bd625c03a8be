package jmstest;

import static jmstest.Env.*;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.TreeSet;
import javax.jms.DeliveryMode;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.Session;
import javax.jms.TextMessage;
import org.apache.activemq.command.ActiveMQDestination;
import org.apache.activemq.command.ActiveMQMessage;
import org.apache.activemq.command.ActiveMQTempQueue;

/** Headers. */
final class Messages {
    private Messages() {}

    /** Sends a message through a queue of the scenario's and returns what comes out. */
    static Message pass(Env e, Session s, Message m) throws Exception {
        MessageConsumer c = s.createConsumer(e.queue());
        MessageProducer p = s.createProducer(e.queue());
        p.send(m);
        p.close();
        Message got = take(c);
        c.close();
        return got;
    }

    @Scenario(name = "header/round-trip", ref = "every header that a sender can set comes out as it was set")
    static void roundTrip(Env e) throws Exception {
        Session s = e.session();
        TextMessage m = s.createTextMessage("body");
        m.setJMSCorrelationID("correlation ü 1");
        m.setJMSReplyTo(e.topic(".reply"));
        m.setJMSType("a type");
        MessageConsumer c = s.createConsumer(e.queue());
        long before = System.currentTimeMillis();
        s.createProducer(e.queue()).send(m, DeliveryMode.PERSISTENT, 7, 3_600_000);
        long after = System.currentTimeMillis();
        Message got = take(c);
        equal("JMSMessageID", got.getJMSMessageID(), m.getJMSMessageID());
        check(got.getJMSMessageID().startsWith("ID:"), "JMSMessageID is " + got.getJMSMessageID());
        equal("JMSCorrelationID", got.getJMSCorrelationID(), "correlation ü 1");
        equal("JMSReplyTo", got.getJMSReplyTo(), e.topic(".reply"));
        equal("JMSType", got.getJMSType(), "a type");
        equal("JMSDestination", got.getJMSDestination(), e.queue());
        equal("JMSDeliveryMode", got.getJMSDeliveryMode(), DeliveryMode.PERSISTENT);
        equal("JMSPriority", got.getJMSPriority(), 7);
        equal("JMSTimestamp", got.getJMSTimestamp(), m.getJMSTimestamp());
        check(before <= got.getJMSTimestamp() && got.getJMSTimestamp() <= after, "JMSTimestamp is " + got.getJMSTimestamp());
        equal("JMSExpiration", got.getJMSExpiration(), got.getJMSTimestamp() + 3_600_000);
        equal("JMSRedelivered", got.getJMSRedelivered(), false);
    }

    @Scenario(name = "header/defaults", ref = "headers that nobody set come out as JMS says: persistent, priority 4, no expiration, the others null")
    static void defaults(Env e) throws Exception {
        Session s = e.session();
        Message got = pass(e, s, s.createMessage());
        equal("JMSCorrelationID", got.getJMSCorrelationID(), null);
        equal("JMSReplyTo", got.getJMSReplyTo(), null);
        equal("JMSType", got.getJMSType(), null);
        equal("JMSDeliveryMode", got.getJMSDeliveryMode(), DeliveryMode.PERSISTENT);
        equal("JMSPriority", got.getJMSPriority(), 4);
        equal("JMSExpiration", got.getJMSExpiration(), 0L);
        equal("JMSXUserID", got.getStringProperty("JMSXUserID"), null);
        equal("JMSXGroupID", got.getStringProperty("JMSXGroupID"), null);
        equal("original destination", ((ActiveMQMessage) got).getOriginalDestination(), null);
    }

    @Scenario(name = "header/reply-to-kinds", ref = "JMSReplyTo keeps the kind of destination: queue, topic, temporary queue, temporary topic")
    static void replyToKinds(Env e) throws Exception {
        Session s = e.session();
        for (javax.jms.Destination d : List.of(e.queue(".r"), e.topic(".r"), s.createTemporaryQueue(), s.createTemporaryTopic())) {
            Message m = s.createMessage();
            m.setJMSReplyTo(d);
            Message got = pass(e, s, m);
            equal("JMSReplyTo", got.getJMSReplyTo(), d);
            equal("its kind", ((ActiveMQDestination) got.getJMSReplyTo()).getDestinationType(), ((ActiveMQDestination) d).getDestinationType());
        }
    }

    @Scenario(name = "header/delivery-count", ref = "JMSXDeliveryCount starts at 1")
    static void deliveryCount(Env e) throws Exception {
        Session s = e.session();
        equal("JMSXDeliveryCount", pass(e, s, s.createMessage()).getIntProperty("JMSXDeliveryCount"), 1);
    }

    @Scenario(name = "header/jmsx-names", ref = "the names of properties that come with a message: those that were set, and no others")
    static void jmsxNames(Env e) throws Exception {
        Session s = e.session();
        Message m = s.createMessage();
        m.setStringProperty("JMSXGroupID", "g");
        m.setIntProperty("JMSXGroupSeq", 3);
        m.setStringProperty("mine", "x");
        Message got = pass(e, s, m);
        List<Object> names = new ArrayList<Object>(Collections.list(got.getPropertyNames()));
        equal("names", new TreeSet<Object>(names).toString(), "[JMSXGroupID, JMSXGroupSeq, mine]");
    }

    @Scenario(name = "header/group", ref = "JMSXGroupID and JMSXGroupSeq come out as set")
    static void group(Env e) throws Exception {
        Session s = e.session();
        Message m = s.createMessage();
        m.setStringProperty("JMSXGroupID", "a group");
        m.setIntProperty("JMSXGroupSeq", 5);
        Message got = pass(e, s, m);
        equal("JMSXGroupID", got.getStringProperty("JMSXGroupID"), "a group");
        equal("JMSXGroupSeq", got.getIntProperty("JMSXGroupSeq"), 5);
    }

    @Scenario(name = "header/priorities", ref = "each priority from 0 to 9 is carried")
    static void priorities(Env e) throws Exception {
        Session s = e.session();
        MessageProducer p = s.createProducer(e.queue());
        for (int i = 0; i < 10; i++) {
            p.send(s.createTextMessage(Integer.toString(i)), DeliveryMode.NON_PERSISTENT, i, 0);
        }
        MessageConsumer c = s.createConsumer(e.queue());
        boolean[] seen = new boolean[10];
        for (int i = 0; i < 10; i++) {
            Message got = take(c);
            equal("JMSPriority", Integer.toString(got.getJMSPriority()), text(got));
            seen[got.getJMSPriority()] = true;
        }
        for (boolean b : seen) {
            check(b, "a priority is missing");
        }
    }

    @Scenario(name = "header/without-id-and-timestamp", ref = "a producer that disables ids and timestamps sends messages without a timestamp, which are delivered")
    static void disabled(Env e) throws Exception {
        Session s = e.session();
        MessageConsumer c = s.createConsumer(e.queue());
        MessageProducer p = s.createProducer(e.queue());
        p.setDisableMessageID(true);
        p.setDisableMessageTimestamp(true);
        p.send(s.createTextMessage("a"));
        p.send(s.createTextMessage("b"));
        Message got = take(c);
        equal("JMSTimestamp", got.getJMSTimestamp(), 0L);
        equal("text", text(got), "a");
        wantTexts(c, "b");
    }

    @Scenario(name = "header/broker-times", ref = "JMSActiveMQBrokerInTime and JMSActiveMQBrokerOutTime say when the broker got and sent a message")
    static void brokerTimes(Env e) throws Exception {
        Session s = e.session();
        long before = System.currentTimeMillis();
        Message got = pass(e, s, s.createMessage());
        long after = System.currentTimeMillis();
        for (String name : List.of("JMSActiveMQBrokerInTime", "JMSActiveMQBrokerOutTime")) {
            Object at = got.getObjectProperty(name);
            check(at instanceof Long t && before <= t && t <= after, name + " is " + at + ", between " + before + " and " + after + " expected");
        }
    }

    @Scenario(name = "header/broker-sequence", ref = "messages of a queue get ascending broker sequence ids")
    static void sequence(Env e) throws Exception {
        Session s = e.session();
        MessageConsumer c = s.createConsumer(e.queue());
        putAll(s, e.queue(), "1", "2", "3");
        long last = 0;
        for (int i = 0; i < 3; i++) {
            long next = ((ActiveMQMessage) take(c)).getMessageId().getBrokerSequenceId();
            check(next > last, "broker sequence id " + next + " after " + last);
            last = next;
        }
    }

    @Scenario(name = "header/correlation-bytes", ref = "a correlation id of bytes comes out as it was set")
    static void correlationBytes(Env e) throws Exception {
        Session s = e.session();
        Message m = s.createMessage();
        m.setJMSCorrelationIDAsBytes(new byte[] {'a', 'b', 'c'});
        equal("JMSCorrelationIDAsBytes", pass(e, s, m).getJMSCorrelationIDAsBytes(), new byte[] {'a', 'b', 'c'});
    }

    @Scenario(name = "header/forwarded", ref = "a received message can be sent on: body and properties stay, the id is new")
    static void forwarded(Env e) throws Exception {
        Session s = e.session();
        TextMessage m = s.createTextMessage("on and on");
        m.setIntProperty("n", 1);
        m.setJMSCorrelationID("c");
        Message first = pass(e, s, m);
        String id = first.getJMSMessageID();
        MessageConsumer c = s.createConsumer(e.queue(".next"));
        s.createProducer(e.queue(".next")).send(first);
        Message second = take(c);
        equal("text", text(second), "on and on");
        equal("n", second.getIntProperty("n"), 1);
        equal("JMSCorrelationID", second.getJMSCorrelationID(), "c");
        check(!second.getJMSMessageID().equals(id), "the id is the same");
        equal("JMSDestination", second.getJMSDestination(), e.queue(".next"));
        equal("JMSXDeliveryCount", second.getIntProperty("JMSXDeliveryCount"), 1);
    }

    @Scenario(name = "header/user-id", ref = "without populateJMSXUserID nobody's name is put into a message, and one that the sender put in stays")
    static void userId(Env e) throws Exception {
        Session s = e.session();
        Message m = s.createMessage();
        m.setStringProperty("JMSXUserID", "somebody");
        equal("JMSXUserID", pass(e, s, m).getStringProperty("JMSXUserID"), "somebody");
    }

    @Scenario(name = "header/unknown-temporary-reply", ref = "a reply address that does not exist any more is carried like any other")
    static void unknownReply(Env e) throws Exception {
        Session s = e.session();
        Message m = s.createMessage();
        ActiveMQTempQueue gone = new ActiveMQTempQueue("ID:elsewhere-1-1-1:1:1");
        m.setJMSReplyTo(gone);
        equal("JMSReplyTo", pass(e, s, m).getJMSReplyTo(), gone);
    }

    @Scenario(name = "header/transaction-kept", ref = "a message that was sent in a transaction is delivered like any other, on a connection that knows nothing of that transaction")
    static void transactionKept(Env e) throws Exception {
        Session tx = transacted(e.connect());
        MessageConsumer c = e.session().createConsumer(e.queue());
        put(tx, e.queue(), "in");
        tx.commit();
        wantTexts(c, "in");
    }
}

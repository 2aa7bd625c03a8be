package jmstest;

import static jmstest.Env.*;

import java.util.List;
import java.util.TreeSet;
import javax.jms.JMSException;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.Session;
import org.apache.activemq.ActiveMQConnection;
import org.apache.activemq.command.ActiveMQMessage;
import org.apache.activemq.command.ActiveMQQueue;

/** Names of destinations, and what they stand for. */
final class Destinations {
    private Destinations() {}

    @Scenario(name = "destination/composite-send", ref = "a message to a composite goes to each member, topics among them; the copies name their own destination, and the composite as the original one",
            activemq = "with permissions, refuses a composite of queues and topics, since it counts only those entries that match all members",
            why = "a right on each member is what there is to ask for")
    static void compositeSend(Env e) throws Exception {
        Session s = e.session();
        MessageConsumer topic = s.createConsumer(e.topic());
        ActiveMQQueue all = new ActiveMQQueue(e.queue(".a").getQueueName() + "," + e.queue(".b").getQueueName() + ",topic://" + e.topic().getTopicName());
        if (e.differs() && e.target.user != null) {
            fails(javax.jms.JMSSecurityException.class, ".*not authorized to write to: .*", () -> put(s, all, "x"));
            return;
        }
        put(s, all, "x");
        MessageConsumer a = s.createConsumer(e.queue(".a"));
        Message m = take(a);
        equal("JMSDestination", m.getJMSDestination(), e.queue(".a"));
        equal("original destination", ((ActiveMQMessage) m).getOriginalDestination(), all);
        wantTexts(s.createConsumer(e.queue(".b")), "x");
        wantTexts(topic, "x");
    }

    @Scenario(name = "destination/composite-transacted", ref = "a transaction's messages to a composite come to all members or to none")
    static void compositeTransacted(Env e) throws Exception {
        Session tx = transacted(e.connect());
        ActiveMQQueue all = new ActiveMQQueue(e.queue(".a").getQueueName() + "," + e.queue(".b").getQueueName());
        MessageConsumer a = e.session().createConsumer(e.queue(".a"));
        MessageConsumer b = e.session().createConsumer(e.queue(".b"));
        put(tx, all, "vanishes");
        tx.rollback();
        put(tx, all, "x");
        tx.commit();
        wantTexts(a, "x");
        wantTexts(b, "x");
        quiet(a);
    }

    @Scenario(name = "destination/composite-consume", ref = "a consumer of a composite of queues gets from each, and acknowledges each")
    static void compositeConsume(Env e) throws Exception {
        ActiveMQConnection c = e.connect();
        Session s = client(c);
        MessageConsumer both = s.createConsumer(new ActiveMQQueue(e.queue(".a").getQueueName() + "," + e.queue(".b").getQueueName()));
        Session other = e.session();
        put(other, e.queue(".a"), "a");
        put(other, e.queue(".b"), "b");
        Message first = take(both);
        Message second = take(both);
        equal("both", new TreeSet<>(List.of(text(first), text(second))).toString(), "[a, b]");
        second.acknowledge();
        c.close();
        quiet(other.createConsumer(e.queue(".a")));
        quiet(other.createConsumer(e.queue(".b")));
    }

    @Scenario(name = "destination/wildcard-consume", ref = "a consumer of a pattern gets from the queues that there are and from later ones; messages name their own queue, and are acknowledged there")
    static void wildcardConsume(Env e) throws Exception {
        ActiveMQConnection c = e.connect();
        Session s = client(c);
        Session other = e.session();
        put(other, e.queue(".a"), "a");
        MessageConsumer all = s.createConsumer(e.queue(".>"));
        Message m = take(all);
        equal("text", text(m), "a");
        equal("JMSDestination", m.getJMSDestination(), e.queue(".a"));
        put(other, e.queue(".later.on"), "later");
        wantTexts(all, "later");
        put(other, e.queue(), "itself");
        Message last = take(all);
        equal("text", text(last), "itself");
        last.acknowledge();
        put(other, e.queue(".a"), "kept");
        c.close();
        wantTexts(other.createConsumer(e.queue(".a")), "kept");
        quiet(other.createConsumer(e.queue(".later.on")));
    }

    @Scenario(name = "destination/wildcard-transacted", ref = "a transaction over several queues of one pattern rolls back and commits on all")
    static void wildcardTransacted(Env e) throws Exception {
        Session tx = transacted(e.connect(Redelivery.policy(-1)));
        Session other = e.session();
        put(other, e.queue(".a"), "a");
        put(other, e.queue(".b"), "b");
        MessageConsumer all = tx.createConsumer(e.queue(".*"));
        for (int round = 0; round < 2; round++) {
            equal("both", new TreeSet<>(List.of(takeText(all), takeText(all))).toString(), "[a, b]");
            if (round == 0) {
                tx.rollback();
            }
        }
        tx.commit();
        quiet(all);
    }

    @Scenario(name = "destination/wildcard-send", ref = "a pattern is not expanded when sending: it is the name of one queue")
    static void wildcardSend(Env e) throws Exception {
        Session s = e.session();
        MessageConsumer a = s.createConsumer(e.queue(".a"));
        put(s, e.queue(".*"), "x");
        quiet(a);
    }

    @Scenario(name = "destination/case", ref = "names are case-sensitive, and queues and topics of one name have nothing to do with each other")
    static void nameSpaces(Env e) throws Exception {
        Session s = e.session();
        put(s, e.queue(".Name"), "upper");
        put(s, e.queue(".name"), "lower");
        MessageConsumer topic = s.createConsumer(e.topic(".name"));
        wantTexts(s.createConsumer(e.queue(".name")), "lower");
        wantTexts(s.createConsumer(e.queue(".Name")), "upper");
        quiet(topic);
    }

    @Scenario(name = "destination/odd-names", ref = "names may hold blanks, slashes, colons, umlauts and empty levels")
    static void oddNames(Env e) throws Exception {
        Session s = e.session();
        for (String suffix : List.of(" with blanks", "/slash", ":colon", ".größe.漢字", "..empty", ".trailing.", "&amp=x", "#hash", "-".repeat(300))) {
            put(s, e.queue(suffix), suffix);
            Message m = take(s.createConsumer(e.queue(suffix)));
            equal("text", text(m), suffix);
            equal("JMSDestination", m.getJMSDestination(), e.queue(suffix));
        }
    }

    @Scenario(name = "destination/sessions-names", ref = "createQueue and createTopic of a session make names with options, which are not part of the name")
    static void options(Env e) throws Exception {
        Session s = e.session();
        MessageConsumer c = s.createConsumer(s.createQueue(e.queue().getQueueName() + "?consumer.prefetchSize=2"));
        put(s, s.createQueue(e.queue().getQueueName()), "x");
        Message m = take(c);
        equal("JMSDestination", m.getJMSDestination(), e.queue());
    }

    @Scenario(name = "destination/remove", ref = "a queue can be destroyed, with what it holds, when nobody consumes from it")
    static void remove(Env e) throws Exception {
        ActiveMQConnection c = e.connect();
        Session s = Env.auto(c);
        put(s, e.queue(), "gone");
        MessageConsumer consumer = s.createConsumer(e.queue());
        fails(JMSException.class, "Destination: queue://.* still has an active subscription: .*", () -> c.destroyDestination(e.queue()));
        wantTexts(consumer, "gone");
        consumer.close();
        put(s, e.queue(), "gone too");
        c.destroyDestination(e.queue());
        quiet(s.createConsumer(e.queue()));
    }

    @Scenario(name = "destination/remove-topic", ref = "a topic too; destroying what is not there is no error")
    static void removeTopic(Env e) throws Exception {
        ActiveMQConnection c = e.connect();
        Session s = Env.auto(c);
        MessageConsumer consumer = s.createConsumer(e.topic());
        fails(JMSException.class, "Destination: topic://.* still has an active subscription: .*", () -> c.destroyDestination(e.topic()));
        consumer.close();
        c.destroyDestination(e.topic());
        c.destroyDestination(e.topic(".never"));
    }

    @Scenario(name = "destination/known", ref = "a connection's destination source lists the queues, topics and temporary ones that there are, and hears of new ones")
    static void known(Env e) throws Exception {
        Session s = e.session();
        put(s, e.queue(), "x");
        put(s, e.topic(), "x");
        ActiveMQConnection c = e.connect();
        org.apache.activemq.advisory.DestinationSource source = c.getDestinationSource();
        source.start();
        await("the queue is known", () -> source.getQueues().contains(e.queue()));
        await("the topic is known", () -> source.getTopics().contains(e.topic()));
        put(s, e.queue(".new"), "x");
        await("the new queue is known", () -> source.getQueues().contains(e.queue(".new")));
        javax.jms.TemporaryQueue q = s.createTemporaryQueue();
        await("the temporary queue is known", () -> source.getTemporaryQueues().contains(q));
        q.delete();
        await("it is forgotten", () -> !source.getTemporaryQueues().contains(q));
        source.stop();
    }

    @Scenario(name = "destination/anonymous-producer", ref = "a producer without a destination sends anywhere; one with a destination nowhere else")
    static void anonymous(Env e) throws Exception {
        Session s = e.session();
        MessageProducer any = s.createProducer(null);
        any.send(e.queue(".a"), s.createTextMessage("a"));
        any.send(e.queue(".b"), s.createTextMessage("b"));
        wantTexts(s.createConsumer(e.queue(".a")), "a");
        wantTexts(s.createConsumer(e.queue(".b")), "b");
        fails(UnsupportedOperationException.class, ".*", () -> any.send(s.createTextMessage("nowhere")));
        MessageProducer one = s.createProducer(e.queue(".a"));
        fails(UnsupportedOperationException.class, ".*", () -> one.send(e.queue(".b"), s.createTextMessage("elsewhere")));
    }

    @Scenario(name = "destination/many", ref = "hundreds of queues on one connection")
    static void many(Env e) throws Exception {
        Session s = e.session();
        MessageProducer p = s.createProducer(null);
        p.setDeliveryMode(javax.jms.DeliveryMode.NON_PERSISTENT);
        for (int i = 0; i < 300; i++) {
            p.send(e.queue("." + i), s.createTextMessage("" + i));
        }
        for (int i = 0; i < 300; i++) {
            MessageConsumer c = s.createConsumer(e.queue("." + i));
            wantTexts(c, "" + i);
            c.close();
        }
    }
}

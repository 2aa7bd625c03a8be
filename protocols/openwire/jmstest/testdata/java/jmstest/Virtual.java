package jmstest;

import static jmstest.Env.*;

import java.util.List;
import javax.jms.DeliveryMode;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.Session;
import org.apache.activemq.command.ActiveMQMessage;
import org.apache.activemq.command.ActiveMQQueue;
import org.apache.activemq.command.ActiveMQTopic;

/** Virtual topics. */
final class Virtual {
    private Virtual() {}

    static ActiveMQTopic topic(Env e) {
        return new ActiveMQTopic("VirtualTopic." + e.unique);
    }

    static ActiveMQQueue queue(Env e, String who) {
        return new ActiveMQQueue("Consumer." + who + ".VirtualTopic." + e.unique);
    }

    @Scenario(name = "virtual/queues", ref = "a message to VirtualTopic.X goes to each queue Consumer.*.VirtualTopic.X and to the topic's own subscribers; the copy names the queue, and the topic as its original destination")
    static void queues(Env e) throws Exception {
        Session s = e.session();
        MessageConsumer a = s.createConsumer(queue(e, "A"));
        MessageConsumer b = s.createConsumer(queue(e, "B"));
        MessageConsumer plain = s.createConsumer(topic(e));
        put(s, topic(e), "x");
        Message m = take(a);
        equal("text", text(m), "x");
        equal("JMSDestination", m.getJMSDestination(), queue(e, "A"));
        equal("original destination", ((ActiveMQMessage) m).getOriginalDestination(), topic(e));
        wantTexts(b, "x");
        wantTexts(plain, "x");
        quiet(a);
    }

    @Scenario(name = "virtual/competing", ref = "consumers of one such queue share its messages, and they wait there while nobody is connected")
    static void competing(Env e) throws Exception {
        Session s = e.session();
        s.createConsumer(queue(e, "A")).close();
        putNumbers(s, topic(e), 10);
        MessageConsumer first = e.session("jms.prefetchPolicy.queuePrefetch=1").createConsumer(queue(e, "A"));
        MessageConsumer second = e.session("jms.prefetchPolicy.queuePrefetch=1").createConsumer(queue(e, "A"));
        int n = 0;
        for (Message m = first.receive(2000); m != null; m = first.receive(QUIET)) {
            n++;
        }
        for (Message m = second.receive(QUIET); m != null; m = second.receive(QUIET)) {
            n++;
        }
        equal("messages", n, 10);
    }

    @Scenario(name = "virtual/pattern-queue", ref = "a queue that is itself named with a pattern, Consumer.A.VirtualTopic.>, collects from all topics that match")
    static void pattern(Env e) throws Exception {
        Session s = e.session();
        ActiveMQQueue all = new ActiveMQQueue("Consumer." + e.unique + ".VirtualTopic." + e.unique + ".>");
        MessageConsumer c = s.createConsumer(all);
        // The queue of that very name has to be there.
        put(s, all, "first");
        put(s, new ActiveMQTopic(topic(e).getTopicName() + ".one"), "second");
        put(s, new ActiveMQTopic(topic(e).getTopicName() + ".two.three"), "third");
        wantTexts(c, "first", "second", "third");
        quiet(c);
    }

    @Scenario(name = "virtual/transacted", ref = "a transaction's messages come to the queues at its commit")
    static void inTransaction(Env e) throws Exception {
        MessageConsumer c = e.session().createConsumer(queue(e, "A"));
        Session tx = transacted(e.connect());
        MessageProducer p = tx.createProducer(topic(e));
        for (int mode : List.of(DeliveryMode.PERSISTENT, DeliveryMode.PERSISTENT)) {
            p.send(tx.createTextMessage("" + mode), mode, 4, 0);
        }
        quiet(c);
        tx.commit();
        wantTexts(c, "2", "2");
        put(tx, topic(e), "vanishes");
        tx.rollback();
        quiet(c);
    }
}

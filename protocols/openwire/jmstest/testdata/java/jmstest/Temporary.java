package jmstest;

import static jmstest.Env.*;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import javax.jms.DeliveryMode;
import javax.jms.InvalidDestinationException;
import javax.jms.JMSException;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.QueueRequestor;
import javax.jms.QueueSession;
import javax.jms.Session;
import javax.jms.TemporaryQueue;
import javax.jms.TemporaryTopic;
import javax.jms.TextMessage;
import javax.jms.TopicRequestor;
import javax.jms.TopicSession;
import org.apache.activemq.ActiveMQConnection;
import org.apache.activemq.command.ActiveMQTempQueue;
import org.apache.activemq.command.ActiveMQTempTopic;

/** Temporary destinations. */
final class Temporary {
    private Temporary() {}

    /** Answers requests to a destination until its connection closes. */
    static void serve(ActiveMQConnection c, javax.jms.Destination d) throws Exception {
        Session s = Env.auto(c);
        MessageProducer replies = s.createProducer(null);
        replies.setDeliveryMode(DeliveryMode.NON_PERSISTENT);
        s.createConsumer(d).setMessageListener(m -> {
            try {
                TextMessage reply = s.createTextMessage("re: " + text(m));
                reply.setJMSCorrelationID(m.getJMSMessageID());
                replies.send(m.getJMSReplyTo(), reply);
            } catch (JMSException x) {
                x.printStackTrace();
            }
        });
    }

    @Scenario(name = "temp/request-reply", ref = "request and reply over temporary queues, by many threads at once, each on a session of its own")
    static void requestReply(Env e) throws Exception {
        for (int i = 0; i < 3; i++) {
            serve(e.connect(), e.queue());
        }
        ActiveMQConnection c = e.connect();
        ActiveMQConnection d = e.connect();
        ExecutorService pool = Executors.newFixedThreadPool(20);
        List<Future<?>> all = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            int thread = i;
            Callable<Void> one = () -> {
                Session s = Env.auto(thread % 2 == 0 ? c : d);
                TemporaryQueue reply = s.createTemporaryQueue();
                MessageConsumer answers = s.createConsumer(reply);
                MessageProducer p = s.createProducer(e.queue());
                p.setDeliveryMode(DeliveryMode.NON_PERSISTENT);
                for (int n = 0; n < 40; n++) {
                    TextMessage m = s.createTextMessage(thread + "." + n);
                    m.setJMSReplyTo(reply);
                    p.send(m);
                    Message got = take(answers);
                    equal("reply", text(got), "re: " + thread + "." + n);
                    equal("JMSCorrelationID", got.getJMSCorrelationID(), m.getJMSMessageID());
                }
                answers.close();
                reply.delete();
                s.close();
                return null;
            };
            all.add(pool.submit(one));
        }
        for (Future<?> f : all) {
            f.get();
        }
        pool.shutdown();
    }

    @Scenario(name = "temp/new-queue-per-request", ref = "a temporary queue for each request, made and deleted again, a hundred times")
    static void perRequest(Env e) throws Exception {
        serve(e.connect(), e.queue());
        Session s = e.session();
        MessageProducer p = s.createProducer(e.queue());
        for (int n = 0; n < 100; n++) {
            TemporaryQueue reply = s.createTemporaryQueue();
            MessageConsumer answers = s.createConsumer(reply);
            TextMessage m = s.createTextMessage("" + n);
            m.setJMSReplyTo(reply);
            p.send(m);
            equal("reply", takeText(answers), "re: " + n);
            answers.close();
            reply.delete();
        }
    }

    @Scenario(name = "temp/requestors", ref = "the requestors of JMS work, for queues and topics")
    static void requestors(Env e) throws Exception {
        serve(e.connect(), e.queue());
        serve(e.connect(), e.topic());
        ActiveMQConnection c = e.connect();
        QueueSession q = c.createQueueSession(false, Session.AUTO_ACKNOWLEDGE);
        QueueRequestor ask = new QueueRequestor(q, e.queue());
        equal("reply", text(ask.request(q.createTextMessage("a"))), "re: a");
        equal("reply", text(ask.request(q.createTextMessage("b"))), "re: b");
        ask.close();
        TopicSession t = c.createTopicSession(false, Session.AUTO_ACKNOWLEDGE);
        TopicRequestor shout = new TopicRequestor(t, e.topic());
        equal("reply", text(shout.request(t.createTextMessage("c"))), "re: c");
        shout.close();
    }

    @Scenario(name = "temp/foreign-consumer", ref = "only the connection that made a temporary destination may consume from it; the broker checks")
    static void foreign(Env e) throws Exception {
        Session owner = e.session();
        TemporaryQueue q = owner.createTemporaryQueue();
        TemporaryTopic t = owner.createTemporaryTopic();
        Session other = e.session();
        fails(InvalidDestinationException.class, "(Subscribing to a temporary queue created by another connection is not permitted|Cannot use a Temporary destination from another Connection).*",
                () -> other.createConsumer(new ActiveMQTempQueue(q.getQueueName())));
        fails(InvalidDestinationException.class, "(Subscribing to a temporary topic created by another connection is not permitted|Cannot use a Temporary destination from another Connection).*",
                () -> other.createConsumer(new ActiveMQTempTopic(t.getTopicName())));
    }

    @Scenario(name = "temp/delete-in-use", ref = "a temporary destination with a consumer cannot be deleted; when the consumer has closed it can")
    static void deleteInUse(Env e) throws Exception {
        Session s = e.session();
        TemporaryQueue q = s.createTemporaryQueue();
        MessageConsumer c = s.createConsumer(q);
        fails(JMSException.class, ".*", q::delete);
        c.close();
        q.delete();
    }

    @Scenario(name = "temp/deleted", ref = "sending to a temporary queue that was deleted fails in every connection, also in one that has a producer for it: before the news arrived by the broker's word, then by the client's own")
    static void deleted(Env e) throws Exception {
        Session owner = e.session();
        Session other = e.session();
        TemporaryQueue q = owner.createTemporaryQueue();
        MessageProducer p = other.createProducer(q);
        putSoon(other, q, "before");
        p.send(other.createTextMessage("before"));
        q.delete();
        failsSomehow("(Cannot publish to a deleted Destination: |The destination )?temp-queue://.*", () -> {
            for (int i = 0; i < 300; i++) {
                p.send(other.createTextMessage("after"));
                Thread.sleep(20); // the news comes with an advisory message
            }
        });
        failsSomehow("(Cannot publish to a deleted Destination: |The destination )?temp-queue://.*", () -> owner.createProducer(q).send(owner.createMessage()));
    }

    @Scenario(name = "temp/gone-with-connection", ref = "temporary destinations end with their connection")
    static void gone(Env e) throws Exception {
        ActiveMQConnection c = e.connect();
        Session other = e.session();
        TemporaryQueue q = Env.auto(c).createTemporaryQueue();
        putSoon(other, q, "while it is there");
        c.close();
        failsSomehow("(Cannot publish to a deleted Destination: |The destination )?temp-queue://.*", () -> {
            for (int i = 0; i < 300; i++) {
                put(other, q, "after");
                Thread.sleep(20);
            }
        });
    }

    @Scenario(name = "temp/late-connection", ref = "a connection that comes later knows the temporary destinations that there are")
    static void late(Env e) throws Exception {
        Session owner = e.session();
        TemporaryQueue q = owner.createTemporaryQueue();
        TemporaryTopic t = owner.createTemporaryTopic();
        MessageConsumer queue = owner.createConsumer(q);
        MessageConsumer topic = owner.createConsumer(t);
        Session late = e.session();
        putSoon(late, new ActiveMQTempQueue(q.getQueueName()), "to the queue");
        putSoon(late, new ActiveMQTempTopic(t.getTopicName()), "to the topic");
        wantTexts(queue, "to the queue");
        wantTexts(topic, "to the topic");
    }

    @Scenario(name = "temp/without-advisories", ref = "a client that does not watch advisories can send to temporary destinations too")
    static void withoutAdvisories(Env e) throws Exception {
        Session owner = e.session();
        TemporaryQueue q = owner.createTemporaryQueue();
        MessageConsumer c = owner.createConsumer(q);
        put(e.session("jms.watchTopicAdvisories=false"), q, "unwatched");
        wantTexts(c, "unwatched");
    }

    @Scenario(name = "temp/topic", ref = "a temporary topic has many subscribers of its connection, and keeps nothing")
    static void topic(Env e) throws Exception {
        ActiveMQConnection c = e.connect();
        Session s = Env.auto(c);
        TemporaryTopic t = s.createTemporaryTopic();
        Session other = e.session();
        putSoon(other, t, "nobody is there");
        MessageConsumer one = s.createConsumer(t);
        MessageConsumer two = Env.auto(c).createConsumer(t);
        put(other, t, "both");
        wantTexts(one, "both");
        wantTexts(two, "both");
    }

    @Scenario(name = "temp/sessions", ref = "a temporary queue is its connection's: other sessions consume from it, and it outlives the session that made it")
    static void sessions(Env e) throws Exception {
        ActiveMQConnection c = e.connect();
        Session first = Env.auto(c);
        TemporaryQueue q = first.createTemporaryQueue();
        first.close();
        MessageConsumer consumer = Env.auto(c).createConsumer(q);
        putSoon(e.session(), q, "still there");
        wantTexts(consumer, "still there");
    }

    @Scenario(name = "temp/transacted", ref = "temporary queues take part in transactions")
    static void inTransaction(Env e) throws Exception {
        ActiveMQConnection c = e.connect(Redelivery.policy(-1));
        Session tx = transacted(c);
        TemporaryQueue q = tx.createTemporaryQueue();
        MessageConsumer consumer = tx.createConsumer(q);
        putSoon(e.session(), q, "x");
        wantTexts(consumer, "x");
        tx.rollback();
        wantTexts(consumer, "x");
        tx.commit();
        quiet(consumer);
    }

    @Scenario(name = "temp/names", ref = "names of temporary destinations begin with the id of their connection")
    static void names(Env e) throws Exception {
        ActiveMQConnection c = e.connect();
        Session s = Env.auto(c);
        matches("name", s.createTemporaryQueue().getQueueName(), java.util.regex.Pattern.quote(c.getConnectionInfo().getConnectionId().getValue()) + ":\\d+");
    }
}

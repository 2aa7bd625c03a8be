package jmstest;

import static jmstest.Env.*;

import java.util.concurrent.atomic.AtomicInteger;
import javax.jms.DeliveryMode;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.Session;
import org.apache.activemq.ActiveMQConnection;
import org.apache.activemq.advisory.AdvisorySupport;
import org.apache.activemq.advisory.ConsumerEventSource;
import org.apache.activemq.advisory.ProducerEventSource;
import org.apache.activemq.command.ActiveMQDestination;
import org.apache.activemq.command.ActiveMQMessage;
import org.apache.activemq.command.ActiveMQTopic;
import org.apache.activemq.command.ConnectionInfo;
import org.apache.activemq.command.ConsumerInfo;
import org.apache.activemq.command.DataStructure;
import org.apache.activemq.command.DestinationInfo;
import org.apache.activemq.command.ProducerInfo;
import org.apache.activemq.command.RemoveInfo;

/** Advisory messages. */
final class Advisories {
    private Advisories() {}

    /** Waits for an advisory whose payload is of a type, and checks what all have in common. */
    static <T extends DataStructure> ActiveMQMessage next(MessageConsumer c, Class<T> type) throws Exception {
        ActiveMQMessage m = (ActiveMQMessage) take(c);
        equal("JMSType", m.getJMSType(), "Advisory");
        equal("JMSDeliveryMode", m.getJMSDeliveryMode(), DeliveryMode.NON_PERSISTENT);
        check(m.getStringProperty("originBrokerName") != null, "no originBrokerName");
        check(String.valueOf(m.getStringProperty("originBrokerId")).startsWith("ID:"), "originBrokerId is " + m.getStringProperty("originBrokerId"));
        check(m.getStringProperty("originBrokerURL") != null, "no originBrokerURL");
        check(type.isInstance(m.getDataStructure()), "the payload is " + m.getDataStructure());
        return m;
    }

    @Scenario(name = "advisory/consumer", ref = "consumers that come and go are told on ActiveMQ.Advisory.Consumer.Queue.X with their number, and those that are there to whoever starts listening")
    static void consumer(Env e) throws Exception {
        Session s = e.session();
        MessageConsumer first = e.session().createConsumer(e.queue(), "a = 1");
        MessageConsumer news = s.createConsumer(AdvisorySupport.getConsumerAdvisoryTopic(e.queue()));
        ActiveMQMessage m = next(news, ConsumerInfo.class);
        ConsumerInfo info = (ConsumerInfo) m.getDataStructure();
        equal("destination", info.getDestination(), e.queue());
        equal("selector", info.getSelector(), "a = 1");
        equal("consumerCount", m.getIntProperty("consumerCount"), 1);
        MessageConsumer second = e.session().createConsumer(e.queue());
        equal("consumerCount", next(news, ConsumerInfo.class).getIntProperty("consumerCount"), 2);
        second.close();
        equal("consumerCount", next(news, RemoveInfo.class).getIntProperty("consumerCount"), 1);
        first.close();
        equal("consumerCount", next(news, RemoveInfo.class).getIntProperty("consumerCount"), 0);
    }

    @Scenario(name = "advisory/producer", ref = "the same for producers on ActiveMQ.Advisory.Producer.Queue.X")
    static void producer(Env e) throws Exception {
        Session s = e.session();
        MessageProducer first = e.session().createProducer(e.queue());
        MessageConsumer news = s.createConsumer(AdvisorySupport.getProducerAdvisoryTopic(e.queue()));
        ActiveMQMessage m = next(news, ProducerInfo.class);
        equal("destination", ((ProducerInfo) m.getDataStructure()).getDestination(), e.queue());
        equal("producerCount", m.getIntProperty("producerCount"), 1);
        first.close();
        equal("producerCount", next(news, RemoveInfo.class).getIntProperty("producerCount"), 0);
    }

    @Scenario(name = "advisory/connection", ref = "connections that come and go are told, without their passwords")
    static void connection(Env e) throws Exception {
        MessageConsumer news = e.session().createConsumer(AdvisorySupport.getConnectionAdvisoryTopic());
        ActiveMQConnection c = e.connectAs(e.unique);
        ActiveMQMessage m = next(news, DataStructure.class);
        while (!(m.getDataStructure() instanceof ConnectionInfo i && e.unique.equals(i.getClientId()))) {
            m = next(news, DataStructure.class);
        }
        ConnectionInfo info = (ConnectionInfo) m.getDataStructure();
        check(info.getPassword() == null || info.getPassword().isEmpty(), "the password is there");
        c.close();
        m = next(news, DataStructure.class);
        while (!(m.getDataStructure() instanceof RemoveInfo r && r.getObjectId().equals(info.getConnectionId()))) {
            m = next(news, DataStructure.class);
        }
    }

    @Scenario(name = "advisory/destination", ref = "queues and topics that come and go are told, and those that are there to whoever starts listening")
    static void destination(Env e) throws Exception {
        ActiveMQConnection c = e.connect();
        Session s = Env.auto(c);
        put(s, e.queue(".before"), "x");
        MessageConsumer news = s.createConsumer(new ActiveMQTopic("ActiveMQ.Advisory.Queue"));
        wantDestination(news, e.queue(".before"), DestinationInfo.ADD_OPERATION_TYPE);
        put(s, e.queue(), "x");
        wantDestination(news, e.queue(), DestinationInfo.ADD_OPERATION_TYPE);
        c.destroyDestination(e.queue());
        wantDestination(news, e.queue(), DestinationInfo.REMOVE_OPERATION_TYPE);
        MessageConsumer topics = s.createConsumer(new ActiveMQTopic("ActiveMQ.Advisory.Topic"));
        put(s, e.topic(), "x");
        wantDestination(topics, e.topic(), DestinationInfo.ADD_OPERATION_TYPE);
    }

    static void wantDestination(MessageConsumer news, ActiveMQDestination d, byte operation) throws Exception {
        for (;;) {
            DestinationInfo info = (DestinationInfo) next(news, DestinationInfo.class).getDataStructure();
            if (info.getDestination().equals(d)) {
                equal("operation", info.getOperationType(), operation);
                return;
            }
        }
    }

    @Scenario(name = "advisory/temporary", ref = "temporary destinations are told with the connection that owns them")
    static void temporary(Env e) throws Exception {
        ActiveMQConnection c = e.connect();
        MessageConsumer news = e.session().createConsumer(new ActiveMQTopic("ActiveMQ.Advisory.TempQueue,ActiveMQ.Advisory.TempTopic"));
        ActiveMQDestination q = (ActiveMQDestination) Env.auto(c).createTemporaryQueue();
        wantDestination(news, q, DestinationInfo.ADD_OPERATION_TYPE);
        ActiveMQDestination t = (ActiveMQDestination) Env.auto(c).createTemporaryTopic();
        wantDestination(news, t, DestinationInfo.ADD_OPERATION_TYPE);
        c.close();
        for (int i = 0; i < 2; i++) {
            DestinationInfo info;
            do {
                info = (DestinationInfo) next(news, DestinationInfo.class).getDataStructure();
            } while (!info.getDestination().equals(q) && !info.getDestination().equals(t));
            equal("operation", info.getOperationType(), DestinationInfo.REMOVE_OPERATION_TYPE);
        }
    }

    @Scenario(name = "advisory/dead-letter", ref = "a dead letter is told on ActiveMQ.Advisory.MessageDLQd.Queue.X")
    static void deadLetter(Env e) throws Exception {
        MessageConsumer news = e.session().createConsumer(AdvisorySupport.getMessageDLQdAdvisoryTopic(e.queue()));
        MessageConsumer shared = e.session().createConsumer(AdvisorySupport.getMessageDLQdAdvisoryTopic(Redelivery.DLQ));
        Session s = transacted(e.connect(Redelivery.policy(0)));
        Redelivery.putMarked(e, e.session(), e.queue(), "poison", DeliveryMode.PERSISTENT);
        Redelivery.exhaust(s, s.createConsumer(e.queue()));
        ActiveMQMessage m = null;
        for (int i = 0; i < 100 && m == null; i++) {
            m = (ActiveMQMessage) news.receive(100);
            if (m == null) {
                m = (ActiveMQMessage) shared.receive(100);
            }
        }
        check(m != null, "nothing is told");
        equal("JMSType", m.getJMSType(), "Advisory");
    }

    @Scenario(name = "advisory/expired", ref = "an expired message is told on ActiveMQ.Advisory.Expired.Queue.X with its id")
    static void expired(Env e) throws Exception {
        Session s = e.session();
        MessageConsumer news = s.createConsumer(AdvisorySupport.getExpiredQueueMessageAdvisoryTopic(e.queue()));
        TextSent sent = new TextSent(e, s);
        Thread.sleep(150);
        quiet(s.createConsumer(e.queue()));
        Message m = take(news);
        equal("JMSType", m.getJMSType(), "Advisory");
        equal("orignalMessageId", m.getStringProperty("orignalMessageId"), sent.id);
    }

    private static final class TextSent {
        final String id;

        TextSent(Env e, Session s) throws Exception {
            javax.jms.TextMessage m = s.createTextMessage("expires");
            s.createProducer(e.queue()).send(m, DeliveryMode.PERSISTENT, 4, 50);
            id = m.getJMSMessageID();
        }
    }

    @Scenario(name = "advisory/event-sources", ref = "the client's sources of events count consumers and producers")
    static void sources(Env e) throws Exception {
        ActiveMQConnection c = e.connect();
        AtomicInteger consumers = new AtomicInteger(-1);
        ConsumerEventSource source = new ConsumerEventSource(c, e.queue());
        source.setConsumerListener(x -> consumers.set(x.getConsumerCount()));
        source.start();
        MessageConsumer one = e.session().createConsumer(e.queue());
        await("one consumer", () -> consumers.get() == 1);
        MessageConsumer two = e.session().createConsumer(e.queue());
        await("two consumers", () -> consumers.get() == 2);
        one.close();
        two.close();
        await("none", () -> consumers.get() == 0);
        source.stop();
        AtomicInteger producers = new AtomicInteger(-1);
        ProducerEventSource other = new ProducerEventSource(c, e.queue());
        other.setProducerListener(x -> producers.set(x.getProducerCount()));
        other.start();
        MessageProducer p = e.session().createProducer(e.queue());
        await("one producer", () -> producers.get() == 1);
        p.close();
        await("none", () -> producers.get() == 0);
        other.stop();
    }

    @Scenario(name = "advisory/none-about-advisories", ref = "there are no advisories about consumers of advisories")
    static void none(Env e) throws Exception {
        Session s = e.session();
        ActiveMQTopic topic = AdvisorySupport.getConsumerAdvisoryTopic(e.queue());
        MessageConsumer news = s.createConsumer(new ActiveMQTopic("ActiveMQ.Advisory.Consumer.Topic." + topic.getTopicName()));
        e.session().createConsumer(topic);
        quiet(news);
    }

    @Scenario(name = "advisory/no-consumer", ref = "a topic without subscribers is not told of by default")
    static void noConsumer(Env e) throws Exception {
        Session s = e.session();
        MessageConsumer news = s.createConsumer(new ActiveMQTopic("ActiveMQ.Advisory.NoConsumer.Topic." + e.topic().getTopicName()));
        put(s, e.topic(), "x");
        quiet(news);
    }

    @Scenario(name = "advisory/wildcard", ref = "patterns work on advisory topics")
    static void wildcard(Env e) throws Exception {
        Session s = e.session();
        MessageConsumer news = s.createConsumer(new ActiveMQTopic("ActiveMQ.Advisory.Consumer.Queue.jmstest." + e.unique + ".>"));
        e.session().createConsumer(e.queue(".a"));
        ActiveMQMessage m = next(news, ConsumerInfo.class);
        equal("destination", ((ConsumerInfo) m.getDataStructure()).getDestination(), e.queue(".a"));
    }
}

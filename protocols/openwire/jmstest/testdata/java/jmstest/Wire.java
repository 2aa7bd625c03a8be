package jmstest;

import static jmstest.Env.*;

import java.util.List;
import javax.jms.BytesMessage;
import javax.jms.JMSException;
import javax.jms.MapMessage;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.Session;
import javax.jms.TemporaryQueue;
import javax.jms.TextMessage;
import org.apache.activemq.ActiveMQConnection;

/** Versions, encodings and options of the wire format. */
final class Wire {
    private Wire() {}

    /** A little of everything on connections with these options. */
    static void everything(Env e, String suffix, String... options) throws Exception {
        ActiveMQConnection c = e.connect(options);
        Session s = Env.auto(c);
        MessageConsumer consumer = s.createConsumer(e.queue(suffix));
        TextMessage t = s.createTextMessage("text ü \uD83D\uDE00");
        Properties.set(t, Properties.all());
        t.setJMSCorrelationID("c");
        t.setJMSReplyTo(e.topic(suffix));
        t.setJMSType("t");
        t.setStringProperty("JMSXGroupID", "g");
        s.createProducer(e.queue(suffix)).send(t);
        Message got = take(consumer);
        equal("text", text(got), "text ü \uD83D\uDE00");
        Properties.want(got, Properties.all());
        equal("JMSReplyTo", got.getJMSReplyTo(), e.topic(suffix));
        equal("JMSMessageID", got.getJMSMessageID(), t.getJMSMessageID());
        equal("JMSXGroupID", got.getStringProperty("JMSXGroupID"), "g");
        MapMessage m = Bodies.mapOfAllTypes(s);
        s.createProducer(e.queue(suffix)).send(m);
        Bodies.wantAllTypes((MapMessage) take(consumer));
        BytesMessage b = Bodies.bytesOfAllTypes(s);
        s.createProducer(e.queue(suffix)).send(b);
        Bodies.wantAllTypes((BytesMessage) take(consumer));
        consumer.close();

        Session tx = transacted(c);
        for (int i = 0; i < 20; i++) {
            put(tx, e.queue(suffix), "" + i);
        }
        tx.commit();
        MessageConsumer in = tx.createConsumer(e.queue(suffix));
        wantNumbers(in, 0, 20);
        tx.commit();
        TemporaryQueue q = s.createTemporaryQueue();
        MessageConsumer own = s.createConsumer(q);
        putSoon(e.session(options), q, "to a temporary queue");
        wantTexts(own, "to a temporary queue");
        Session acknowledged = client(c);
        MessageConsumer topic = acknowledged.createConsumer(e.topic(suffix));
        put(s, e.topic(suffix), "to a topic");
        take(topic).acknowledge();
        put(s, e.queue(suffix), "browsed");
        equal("browsed", browse(s, e.queue(suffix), "JMSPriority = 4"), List.of("browsed"));
        fails(javax.jms.InvalidDestinationException.class, ".*", () -> s.createConsumer(new org.apache.activemq.command.ActiveMQTempQueue(((org.apache.activemq.command.ActiveMQTempQueue) e.session().createTemporaryQueue()).getQueueName())));
        c.close();
    }

    @Scenario(name = "wire/tight-and-loose", ref = "tight and loose encoding, with the marshalling cache and without")
    static void encodings(Env e) throws Exception {
        for (boolean tight : new boolean[] {true, false}) {
            for (boolean cache : new boolean[] {true, false}) {
                everything(e, "." + tight + cache, "wireFormat.tightEncodingEnabled=" + tight, "wireFormat.cacheEnabled=" + cache);
            }
        }
    }

    @Scenario(name = "wire/versions", ref = "every version of the protocol that clients of the last twenty years speak, tight and loose")
    static void versions(Env e) throws Exception {
        for (int version : new int[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}) {
            for (boolean tight : new boolean[] {true, false}) {
                try {
                    everything(e, "." + version + tight, "wireFormat.version=" + version, "wireFormat.tightEncodingEnabled=" + tight);
                } catch (AssertionError | JMSException x) {
                    throw new AssertionError("version " + version + (tight ? " tight" : " loose"), x);
                }
            }
        }
    }

    @Scenario(name = "wire/mixed-versions", ref = "a message goes from a client of one version and encoding to one of another")
    static void mixed(Env e) throws Exception {
        List<Session> sessions = List.of(
                e.session("wireFormat.version=1"), e.session("wireFormat.version=3", "wireFormat.tightEncodingEnabled=false"),
                e.session("wireFormat.version=9", "wireFormat.cacheEnabled=false"), e.session("wireFormat.tightEncodingEnabled=false", "wireFormat.cacheEnabled=false"), e.session());
        for (Session from : sessions) {
            for (Session to : sessions) {
                MessageConsumer c = to.createConsumer(e.queue());
                TextMessage m = from.createTextMessage("x");
                Properties.set(m, Properties.all());
                from.createProducer(e.queue()).send(m);
                Message got = take(c);
                equal("JMSMessageID", got.getJMSMessageID(), m.getJMSMessageID());
                Properties.want(got, Properties.all());
                c.close();
            }
        }
    }

    @Scenario(name = "wire/cache-sizes", ref = "small and large marshalling caches, in which slots are used again and again")
    static void cacheSizes(Env e) throws Exception {
        for (int size : new int[] {110, 128, 1024, 16383}) {
            ActiveMQConnection c = e.connect("wireFormat.cacheSize=" + size);
            Session s = Env.auto(c);
            for (int i = 0; i < 150; i++) {
                MessageConsumer consumer = s.createConsumer(e.queue("." + size + "." + i));
                put(s, e.queue("." + size + "." + i), "" + i);
                wantTexts(consumer, "" + i);
                consumer.close();
            }
            c.close();
        }
    }

    @Scenario(name = "wire/size-prefix", ref = "frames without a size prefix, where both sides agree")
    static void sizePrefix(Env e) throws Exception {
        everything(e, "", "wireFormat.sizePrefixDisabled=true");
    }

    @Scenario(name = "wire/stack-traces", ref = "errors without stack traces, where the client does not want them, name the same class and message")
    static void stackTraces(Env e) throws Exception {
        Session s = Env.auto(e.connectAs(e.unique, "wireFormat.stackTraceEnabled=false"));
        fails(javax.jms.InvalidDestinationException.class, "No durable subscription exists for clientID: .* and subscriptionName: none", () -> s.unsubscribe("none"));
    }

    @Scenario(name = "wire/keep-alive", ref = "a short maxInactivityDuration keeps an idle connection alive, and a session on it goes on")
    static void keepAlive(Env e) throws Exception {
        ActiveMQConnection c = e.connect("wireFormat.maxInactivityDuration=1000", "wireFormat.maxInactivityDurationInitalDelay=200");
        Session s = Env.auto(c);
        MessageConsumer consumer = s.createConsumer(e.queue());
        Thread.sleep(3500);
        put(s, e.queue(), "x");
        wantTexts(consumer, "x");
        check(!c.isTransportFailed(), "the transport has failed");
    }

    @Scenario(name = "wire/no-inactivity", ref = "without an inactivity monitor as well")
    static void noMonitor(Env e) throws Exception {
        everything(e, "", "wireFormat.maxInactivityDuration=0");
    }

    @Scenario(name = "wire/no-delay", ref = "tcpNoDelay off and a small socket buffer change nothing but speed")
    static void socket(Env e) throws Exception {
        everything(e, "", "wireFormat.tcpNoDelayEnabled=false", "socketBufferSize=1024", "ioBufferSize=512");
    }

    @Scenario(name = "wire/max-frame", ref = "a client's own maxFrameSize is heeded: it can send what fits, and larger things to others go on")
    static void maxFrame(Env e) throws Exception {
        Session s = e.session("wireFormat.maxFrameSize=20000");
        put(s, e.queue(), "x".repeat(10_000));
        MessageConsumer c = e.session().createConsumer(e.queue());
        equal("length", takeText(c).length(), 10_000);
        fails(JMSException.class, ".*Frame size of .* larger than max allowed .*", () -> put(s, e.queue(), "x".repeat(30_000)));
        put(e.session(), e.queue(), "y".repeat(30_000));
        equal("length", takeText(c).length(), 30_000);
    }

    @Scenario(name = "wire/nio", ref = "the client's NIO transport")
    static void nio(Env e) throws Exception {
        if (!e.target.scheme().equals("tcp")) {
            return; // the plain run shows it
        }
        Session s = Env.auto(e.start(e.factoryFor(e.target.url.replace("tcp://", "nio://"))));
        MessageConsumer c = s.createConsumer(e.queue());
        for (int i = 0; i < 50; i++) {
            put(s, e.queue(), "" + i);
        }
        wantNumbers(c, 0, 50);
    }

    @Scenario(name = "wire/broker-info", ref = "the connection knows its broker by name and id, and its own metadata")
    static void brokerInfo(Env e) throws Exception {
        ActiveMQConnection c = e.connect();
        await("the broker's name is known", () -> c.getBrokerName() != null);
        check(!c.getBrokerName().isEmpty(), "the name is empty");
        check(c.getBrokerInfo().getBrokerId().getValue().startsWith("ID:"), "the id is " + c.getBrokerInfo().getBrokerId());
        matches("URL", c.getBrokerInfo().getBrokerURL(), "(tcp|ssl|nio)://.*:\\d+.*");
        equal("provider", c.getMetaData().getJMSProviderName(), "ActiveMQ");
    }
}

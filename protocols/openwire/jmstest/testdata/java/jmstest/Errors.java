package jmstest;

import static jmstest.Env.*;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import javax.jms.Connection;
import javax.jms.ConnectionFactory;
import javax.jms.InvalidClientIDException;
import javax.jms.InvalidDestinationException;
import javax.jms.JMSException;
import javax.jms.MessageConsumer;
import javax.jms.Session;
import jmstest.Env.Closing;
import org.apache.activemq.ActiveMQConnection;

/** What goes wrong, and what the client is told. */
final class Errors {
    private Errors() {}

    @Scenario(name = "error/client-id-in-use", ref = "a client id that is connected is refused with the broker's name, the id and the other's address; the first connection goes on, and the id is free when it closes")
    static void clientId(Env e) throws Exception {
        ActiveMQConnection first = e.connectAs(e.unique);
        fails(InvalidClientIDException.class, "Broker: .+ - Client: " + e.unique + " already connected from (tcp|ssl)://.*", () -> e.connectAs(e.unique));
        Session s = Env.auto(first);
        put(s, e.queue(), "x");
        wantTexts(s.createConsumer(e.queue()), "x");
        first.close();
        e.connectAs(e.unique);
    }

    @Scenario(name = "error/client-id-late", ref = "a client id is free again after its connection has broken")
    static void clientIdAfterBreak(Env e) throws Exception {
        Relay relay = e.relay();
        ActiveMQConnection c = (ActiveMQConnection) e.keep(new Closing(e.factoryFor(relay.url()).createConnection())).connection();
        c.setClientID(e.unique);
        c.start();
        relay.cut();
        await("the id is free", () -> {
            Connection next = e.factory().createConnection();
            try {
                next.setClientID(e.unique);
                next.start();
                return true;
            } catch (InvalidClientIDException x) {
                return false;
            } finally {
                next.close();
            }
        });
    }

    @Scenario(name = "error/session-goes-on", ref = "an error of one call changes nothing for the others of its connection")
    static void goesOn(Env e) throws Exception {
        Session s = Env.auto(e.connectAs(e.unique));
        MessageConsumer c = s.createConsumer(e.queue());
        for (int i = 0; i < 5; i++) {
            fails(InvalidDestinationException.class, ".*", () -> s.unsubscribe("none"));
            put(s, e.queue(), "" + i);
            wantTexts(c, "" + i);
        }
    }

    @Scenario(name = "error/broken-connection", ref = "a broken connection is told to the exception listener, and calls fail with a JMSException")
    static void broken(Env e) throws Exception {
        Relay relay = e.relay();
        ActiveMQConnection c = e.start(e.factoryFor(relay.url()));
        CountDownLatch told = new CountDownLatch(1);
        c.setExceptionListener(x -> told.countDown());
        Session s = Env.auto(c);
        put(s, e.queue(), "x");
        relay.cut();
        check(told.await(PATIENCE, TimeUnit.MILLISECONDS), "nobody is told");
        try {
            put(s, e.queue(), "y");
            throw new AssertionError("it did not fail");
        } catch (JMSException expected) {
            // As it must.
        }
    }

    @Scenario(name = "error/no-broker", ref = "connecting to where nobody listens is a JMSException at once")
    static void noBroker(Env e) throws Exception {
        int port;
        try (java.net.ServerSocket s = new java.net.ServerSocket(0)) {
            port = s.getLocalPort();
        }
        fails(JMSException.class, "Could not connect to broker URL: .*", () -> e.factoryFor("tcp://127.0.0.1:" + port).createConnection());
    }

    @Scenario(name = "error/closed", ref = "a closed connection, session or consumer refuses further use")
    static void closed(Env e) throws Exception {
        ActiveMQConnection c = e.connect();
        Session s = Env.auto(c);
        MessageConsumer consumer = s.createConsumer(e.queue());
        consumer.close();
        fails(javax.jms.IllegalStateException.class, ".*", () -> consumer.receive(1));
        s.close();
        fails(javax.jms.IllegalStateException.class, ".*", () -> s.createConsumer(e.queue()));
        c.close();
        c.close();
        fails(org.apache.activemq.ConnectionClosedException.class, ".*", () -> Env.auto(c));
    }

    @Scenario(name = "error/close-while-receiving", ref = "closing a connection ends a receive that waits")
    static void closeWhileReceiving(Env e) throws Exception {
        ActiveMQConnection c = e.connect();
        MessageConsumer consumer = Env.auto(c).createConsumer(e.queue());
        List<Object> result = java.util.Collections.synchronizedList(new ArrayList<>());
        Thread t = new Thread(() -> {
            try {
                result.add(String.valueOf(consumer.receive()));
            } catch (JMSException x) {
                result.add("failed");
            }
        });
        t.start();
        Thread.sleep(100);
        c.close();
        t.join(PATIENCE);
        check(!result.isEmpty(), "it still waits");
    }

    @Scenario(name = "error/many-connections", ref = "connections come and go, a hundred after each other and fifty at once")
    static void many(Env e) throws Exception {
        ConnectionFactory f = e.factory(); // one: each has to derive the key of its certificate anew
        for (int i = 0; i < 100; i++) {
            Connection c = f.createConnection();
            c.start();
            c.close();
        }
        List<Connection> all = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            Connection c = f.createConnection();
            c.start();
            all.add(c);
        }
        Session s = Env.auto(all.get(49));
        put(s, e.queue(), "x");
        wantTexts(Env.auto(all.get(0)).createConsumer(e.queue()), "x");
        for (Connection c : all) {
            c.close();
        }
    }

    @Scenario(name = "error/many-sessions", ref = "a connection has a hundred sessions, with consumers and producers of their own")
    static void manySessions(Env e) throws Exception {
        ActiveMQConnection c = e.connect();
        for (int i = 0; i < 100; i++) {
            Session s = Env.auto(c);
            MessageConsumer consumer = s.createConsumer(e.queue("." + i));
            put(s, e.queue("." + i), "" + i);
            wantTexts(consumer, "" + i);
        }
    }
}

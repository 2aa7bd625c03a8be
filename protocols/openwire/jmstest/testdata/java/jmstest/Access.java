package jmstest;

import static jmstest.Env.*;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import javax.jms.DeliveryMode;
import javax.jms.JMSException;
import javax.jms.JMSSecurityException;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.Session;
import javax.jms.TemporaryQueue;
import org.apache.activemq.ActiveMQConnection;
import org.apache.activemq.ActiveMQConnectionFactory;
import org.apache.activemq.command.ActiveMQQueue;
import org.apache.activemq.command.ActiveMQTopic;

/**
 * Users and permissions. Beside the suite's own user, who may do everything, the target has the users guest, reader and
 * writer, whose passwords are their names: guest may do everything on guest.>, reader may read from guest.>, writer may
 * write to it, and all may do everything on advisory topics.
 */
final class Access {
    private Access() {}

    static ActiveMQConnection as(Env e, String user) throws Exception {
        ActiveMQConnectionFactory f = e.factory();
        f.setUserName(user);
        f.setPassword(user);
        return e.start(f);
    }

    static ActiveMQQueue open(Env e) {
        return new ActiveMQQueue("guest." + e.unique);
    }

    static ActiveMQQueue secret(Env e) {
        return new ActiveMQQueue("secret." + e.unique);
    }

    private static void refused(Env e, String user, String password) throws Exception {
        ActiveMQConnectionFactory f = e.factory();
        f.setUserName(user);
        f.setPassword(password);
        fails(JMSSecurityException.class, "User name \\[" + user + "\\] or password is invalid\\.", () -> e.start(f));
    }

    @Scenario(name = "login/wrong-password", login = true, ref = "a wrong password, an unknown user and none at all are refused with a JMSSecurityException that names the user")
    static void wrongPassword(Env e) throws Exception {
        refused(e, "guest", "wrong");
        refused(e, "nobody", "nobody");
        refused(e, "guest", "");
        refused(e, null, null);
    }

    @Scenario(name = "login/right-password", login = true, ref = "the right one is not")
    static void rightPassword(Env e) throws Exception {
        Session s = Env.auto(as(e, "guest"));
        put(s, open(e), "x");
        wantTexts(s.createConsumer(open(e)), "x");
    }

    @Scenario(name = "access/write", login = true, ref = "a producer, and a send, need the right to write; the refusal is a JMSSecurityException that names user and queue, and the connection goes on")
    static void write(Env e) throws Exception {
        Session s = Env.auto(as(e, "guest"));
        put(e.session(), secret(e), "there");
        String text = "User guest is not authorized to write to: queue://secret\\..*";
        fails(JMSSecurityException.class, text, () -> s.createProducer(secret(e)));
        MessageProducer any = s.createProducer(null);
        fails(JMSSecurityException.class, text, () -> any.send(secret(e), s.createTextMessage("x")));
        put(s, open(e), "goes on");
        wantTexts(s.createConsumer(open(e)), "goes on");
        MessageConsumer c = e.session().createConsumer(secret(e));
        wantTexts(c, "there");
        quiet(c);
    }

    @Scenario(name = "access/write-async", login = true, ref = "a refused asynchronous send is told to the exception listener, and the connection goes on")
    static void writeAsync(Env e) throws Exception {
        put(e.session(), secret(e), "there");
        ActiveMQConnection c = as(e, "guest");
        CountDownLatch told = new CountDownLatch(1);
        AtomicReference<JMSException> what = new AtomicReference<>();
        c.setExceptionListener(x -> {
            what.set(x);
            told.countDown();
        });
        c.setClientInternalExceptionListener(x -> {
            what.compareAndSet(null, new JMSException(String.valueOf(x.getMessage())));
            told.countDown();
        });
        Session s = Env.auto(c);
        MessageProducer any = s.createProducer(null);
        any.setDeliveryMode(DeliveryMode.NON_PERSISTENT);
        any.send(secret(e), s.createTextMessage("x"));
        check(told.await(PATIENCE, TimeUnit.MILLISECONDS), "nobody is told");
        matches("the message", what.get().getMessage(), ".*User guest is not authorized to write to: queue://secret\\..*");
        put(s, open(e), "goes on");
        wantTexts(s.createConsumer(open(e)), "goes on");
    }

    @Scenario(name = "access/read", login = true, ref = "consuming and browsing need the right to read, patterns and composites too")
    static void read(Env e) throws Exception {
        put(e.session(), secret(e), "x");
        put(e.session(), open(e), "x");
        Session s = Env.auto(as(e, "guest"));
        fails(JMSSecurityException.class, "User guest is not authorized to read from: queue://secret\\..*", () -> s.createConsumer(secret(e)));
        fails(JMSSecurityException.class, "User guest is not authorized to read from: queue://secret\\..*", () -> browse(s, secret(e), null));
        fails(JMSSecurityException.class, "User guest is not authorized to read from: queue://>", () -> s.createConsumer(new ActiveMQQueue(">")));
        fails(JMSSecurityException.class, "User guest is not authorized to read from: .*", () -> s.createConsumer(new ActiveMQQueue(open(e).getQueueName() + "," + secret(e).getQueueName())));
        s.createConsumer(new ActiveMQQueue("guest." + e.unique + ".>")).close();
        wantTexts(s.createConsumer(open(e)), "x");
    }

    @Scenario(name = "access/topic-read", login = true, ref = "so do topics and durable subscriptions")
    static void topicRead(Env e) throws Exception {
        ActiveMQTopic topic = new ActiveMQTopic("secret." + e.unique);
        put(e.session(), topic, "x");
        ActiveMQConnectionFactory f = e.factory();
        f.setUserName("guest");
        f.setPassword("guest");
        f.setClientID(e.unique);
        Session s = Env.auto(e.start(f));
        fails(JMSSecurityException.class, "User guest is not authorized to read from: topic://secret\\..*", () -> s.createConsumer(topic));
        fails(JMSSecurityException.class, "User guest is not authorized to read from: topic://secret\\..*", () -> s.createDurableSubscriber(topic, "sub"));
        fails(JMSSecurityException.class, "User guest is not authorized to write to: topic://secret\\..*", () -> s.createProducer(topic));
    }

    @Scenario(name = "access/create", login = true, ref = "who may write but not administer can use a queue that is there, and not make one")
    static void create(Env e) throws Exception {
        Session s = Env.auto(as(e, "writer"));
        fails(JMSSecurityException.class, "User writer is not authorized to create: queue://guest\\..*", () -> s.createProducer(open(e)));
        put(e.session(), open(e), "1");
        put(s, open(e), "2");
        Session r = Env.auto(as(e, "reader"));
        wantTexts(r.createConsumer(open(e)), "1", "2");
        fails(JMSSecurityException.class, "User reader is not authorized to write to: queue://guest\\..*", () -> put(r, open(e), "3"));
        fails(JMSSecurityException.class, "User writer is not authorized to read from: queue://guest\\..*", () -> s.createConsumer(open(e)));
    }

    @Scenario(name = "access/remove", login = true, ref = "destroying a queue needs the right to administer it",
            activemq = "lets everybody destroy queues that nobody consumes from",
            why = "who may not make a queue must not be able to delete what others left in it")
    static void remove(Env e) throws Exception {
        put(e.session(), open(e), "x");
        ActiveMQConnection writer = as(e, "writer");
        if (e.differs()) {
            writer.destroyDestination(open(e));
            equal("left", browse(e.session(), open(e), null).size(), 0);
            return;
        }
        fails(JMSSecurityException.class, "User writer is not authorized to remove: queue://guest\\..*", () -> writer.destroyDestination(open(e)));
        equal("left", browse(e.session(), open(e), null).size(), 1);
        as(e, "guest").destroyDestination(open(e));
    }

    @Scenario(name = "access/temporary", login = true, ref = "temporary destinations are for everybody where no permission speaks of them, and request and reply works between users")
    static void temporary(Env e) throws Exception {
        ActiveMQConnection server = as(e, "guest");
        Temporary.serve(server, open(e));
        Session s = Env.auto(as(e, "writer"));
        TemporaryQueue reply = s.createTemporaryQueue();
        MessageConsumer c = s.createConsumer(reply);
        javax.jms.TextMessage m = s.createTextMessage("q");
        m.setJMSReplyTo(reply);
        s.createProducer(open(e)).send(m);
        wantTexts(c, "re: q");
    }

    @Scenario(name = "access/user-in-name", login = true, ref = "the user of a message is not disclosed unless the broker is told to")
    static void userNotDisclosed(Env e) throws Exception {
        Session s = Env.auto(as(e, "guest"));
        put(s, open(e), "x");
        equal("JMSXUserID", take(s.createConsumer(open(e))).getStringProperty("JMSXUserID"), null);
    }
}

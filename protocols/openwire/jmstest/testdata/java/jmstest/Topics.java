package jmstest;

import static jmstest.Env.*;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.Session;
import org.apache.activemq.ActiveMQConnection;
import org.apache.activemq.command.ActiveMQTopic;

/** Topics without durable subscriptions. */
final class Topics {
    private Topics() {}

    @Scenario(name = "topic/fan-out", ref = "each subscriber gets each message, in order")
    static void fanOut(Env e) throws Exception {
        List<MessageConsumer> all = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            all.add(e.session().createConsumer(e.topic()));
        }
        putNumbers(e.session(), e.topic(), 300);
        for (MessageConsumer c : all) {
            wantNumbers(c, 0, 300);
        }
    }

    @Scenario(name = "topic/nothing-kept", ref = "who subscribes later does not get what was published before")
    static void nothingKept(Env e) throws Exception {
        Session s = e.session();
        put(s, e.topic(), "before");
        MessageConsumer c = s.createConsumer(e.topic());
        put(s, e.topic(), "after");
        wantTexts(c, "after");
        quiet(c);
    }

    @Scenario(name = "topic/retroactive", ref = "a retroactive consumer gets nothing of what a topic does not remember, and what comes later like any")
    static void retroactive(Env e) throws Exception {
        Session s = e.session();
        put(s, e.topic(), "before");
        MessageConsumer c = s.createConsumer(e.topic("?consumer.retroactive=true"));
        put(s, e.topic(), "after");
        wantTexts(c, "after");
        quiet(c);
    }

    @Scenario(name = "topic/retained", ref = "a message with the property ActiveMQ.Retain comes to later retroactive consumers, marked ActiveMQ.Retained, and to no others; the last one counts")
    static void retained(Env e) throws Exception {
        Session s = e.session();
        for (String text : List.of("1", "2")) {
            Message m = s.createTextMessage(text);
            m.setBooleanProperty("ActiveMQ.Retain", true);
            s.createProducer(e.topic()).send(m);
        }
        MessageConsumer plain = s.createConsumer(e.topic());
        MessageConsumer late = s.createConsumer(e.topic("?consumer.retroactive=true"));
        Message m = take(late);
        equal("text", text(m), "2");
        check(m.getBooleanProperty("ActiveMQ.Retained"), "it is not marked");
        put(s, e.topic(), "3");
        wantTexts(plain, "3");
        m = take(late);
        equal("text", text(m), "3");
        check(!m.propertyExists("ActiveMQ.Retained"), "a live message is marked");
        quiet(plain);
        quiet(late);
    }

    @Scenario(name = "topic/no-local", ref = "with noLocal a consumer does not get what its own connection publishes")
    static void noLocal(Env e) throws Exception {
        Session s = e.session();
        MessageConsumer c = s.createConsumer(e.topic(), null, true);
        put(s, e.topic(), "own");
        put(e.session(), e.topic(), "other");
        wantTexts(c, "other");
        quiet(c);
    }

    @Scenario(name = "topic/selector", ref = "a subscriber with a selector gets what matches")
    static void selector(Env e) throws Exception {
        Session s = e.session();
        MessageConsumer red = s.createConsumer(e.topic(), "colour = 'red'");
        MessageConsumer rest = s.createConsumer(e.topic(), "colour <> 'red'");
        for (String colour : List.of("blue", "red", "green")) {
            Durable.putColour(s, e.topic(), colour);
        }
        wantTexts(red, "red");
        wantTexts(rest, "blue", "green");
    }

    @Scenario(name = "topic/wildcards", ref = "* stands for one level, > for the rest and for nothing; the message names its own topic")
    static void wildcards(Env e) throws Exception {
        Session s = e.session();
        MessageConsumer one = s.createConsumer(e.topic(".*"));
        MessageConsumer all = s.createConsumer(e.topic(".>"));
        MessageConsumer middle = s.createConsumer(e.topic(".*.c"));
        for (String suffix : List.of("", ".a", ".b.c", ".b.c.d")) {
            put(s, e.topic(suffix), "at" + suffix);
        }
        Message m = take(one);
        equal("text", text(m), "at.a");
        equal("JMSDestination", m.getJMSDestination(), e.topic(".a"));
        wantTexts(all, "at", "at.a", "at.b.c", "at.b.c.d");
        wantTexts(middle, "at.b.c");
        quiet(one);
        quiet(middle);
    }

    @Scenario(name = "topic/composite", ref = "a name of several topics with commas publishes to each and subscribes to all")
    static void composite(Env e) throws Exception {
        Session s = e.session();
        ActiveMQTopic both = new ActiveMQTopic(e.topic(".a").getTopicName() + "," + e.topic(".b").getTopicName());
        MessageConsumer a = s.createConsumer(e.topic(".a"));
        MessageConsumer b = s.createConsumer(e.topic(".b"));
        MessageConsumer all = s.createConsumer(both);
        put(s, both, "x");
        wantTexts(a, "x");
        wantTexts(b, "x");
        wantTexts(all, "x", "x");
        put(s, e.topic(".b"), "y");
        wantTexts(all, "y");
    }

    @Scenario(name = "topic/listeners", ref = "listeners of many sessions get everything")
    static void listeners(Env e) throws Exception {
        CountDownLatch all = new CountDownLatch(8 * 200);
        ActiveMQConnection c = e.connect();
        for (int i = 0; i < 8; i++) {
            Env.auto(c).createConsumer(e.topic()).setMessageListener(m -> all.countDown());
        }
        putNumbers(e.session(), e.topic(), 200);
        check(all.await(PATIENCE, TimeUnit.MILLISECONDS), all.getCount() + " did not come");
    }

    @Scenario(name = "topic/small-window", ref = "a subscriber with a small prefetch loses nothing when it is slow")
    static void smallWindow(Env e) throws Exception {
        Session s = e.session("jms.prefetchPolicy.topicPrefetch=3");
        MessageConsumer c = s.createConsumer(e.topic());
        putNumbers(e.session(), e.topic(), 500);
        wantNumbers(c, 0, 500);
    }

    @Scenario(name = "topic/stop-and-start", ref = "what comes while the connection is stopped waits")
    static void stopped(Env e) throws Exception {
        ActiveMQConnection c = e.connect();
        MessageConsumer consumer = Env.auto(c).createConsumer(e.topic());
        c.stop();
        putNumbers(e.session(), e.topic(), 50);
        c.start();
        wantNumbers(consumer, 0, 50);
    }

    @Scenario(name = "topic/subscribe-then-publish", ref = "a subscription is in effect when createConsumer returns")
    static void inEffect(Env e) throws Exception {
        Session other = e.session();
        MessageProducer p = other.createProducer(null);
        Session s = e.session();
        for (int i = 0; i < 100; i++) {
            MessageConsumer c = s.createConsumer(e.topic("." + i));
            p.send(e.topic("." + i), other.createTextMessage("" + i));
            wantTexts(c, "" + i);
            c.close();
        }
    }
}

package jmstest;

import static jmstest.Env.*;

import java.util.Enumeration;
import java.util.List;
import java.util.NoSuchElementException;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.QueueBrowser;
import javax.jms.Session;
import javax.jms.TemporaryQueue;
import org.apache.activemq.command.ActiveMQQueue;

/** Queue browsers. */
final class Browsing {
    private Browsing() {}

    @Scenario(name = "browse/snapshot", ref = "a browser sees what is there in order, ends, and takes nothing away")
    static void snapshot(Env e) throws Exception {
        Session s = e.session();
        putAll(s, e.queue(), "1", "2", "3");
        for (int i = 0; i < 3; i++) {
            equal("browsed", browse(s, e.queue(), null), List.of("1", "2", "3"));
        }
        MessageConsumer c = s.createConsumer(e.queue());
        Message m = take(c);
        equal("JMSRedelivered", m.getJMSRedelivered(), false);
        equal("JMSXDeliveryCount", m.getIntProperty("JMSXDeliveryCount"), 1);
        wantTexts(c, "2", "3");
    }

    @Scenario(name = "browse/empty", ref = "browsing an empty queue ends at once")
    static void empty(Env e) throws Exception {
        Session s = e.session();
        equal("browsed", browse(s, e.queue(), null), List.of());
        QueueBrowser b = s.createBrowser(e.queue());
        Enumeration<?> all = b.getEnumeration();
        check(!all.hasMoreElements(), "there is something");
        b.close();
        equal("queue", b.getQueue(), e.queue());
    }

    @Scenario(name = "browse/selector", ref = "a browser with a selector sees what matches")
    static void selector(Env e) throws Exception {
        Session s = e.session();
        for (String colour : List.of("red", "blue", "red")) {
            Durable.putColour(s, e.queue(), colour);
        }
        equal("browsed", browse(s, e.queue(), "colour = 'red'"), List.of("red", "red"));
        equal("browsed", browse(s, e.queue(), "colour = 'green'"), List.of());
        QueueBrowser b = s.createBrowser(e.queue(), "colour = 'red'");
        equal("selector", b.getMessageSelector(), "colour = 'red'");
    }

    @Scenario(name = "browse/unacknowledged", ref = "a browser sees also what was handed to a consumer and is not acknowledged")
    static void unacknowledged(Env e) throws Exception {
        Session s = client(e.connect());
        putAll(e.session(), e.queue(), "1", "2", "3");
        MessageConsumer c = s.createConsumer(e.queue());
        wantTexts(c, "1");
        Session other = e.session();
        equal("browsed", browse(other, e.queue(), null).size(), 3);
        take(c).acknowledge();
        await("two are gone", () -> browse(other, e.queue(), null).equals(List.of("3")));
    }

    @Scenario(name = "browse/large", ref = "a browser sees a thousand messages, more than its window, in order")
    static void large(Env e) throws Exception {
        putNumbers(e.session(), e.queue(), 1200);
        Session s = e.session("jms.prefetchPolicy.queueBrowserPrefetch=50");
        List<String> got = browse(s, e.queue(), null);
        // ActiveMQ shows as many as its page holds, at least.
        int n = e.target.activemq() ? Math.min(got.size(), 400) : 1200;
        check(got.size() >= n, "only " + got.size());
        for (int i = 0; i < n; i++) {
            equal("browsed", got.get(i), "" + i);
        }
    }

    @Scenario(name = "browse/abandoned", ref = "a browser that is closed in the middle leaves everything as it was")
    static void abandoned(Env e) throws Exception {
        putNumbers(e.session(), e.queue(), 100);
        Session s = e.session();
        QueueBrowser b = s.createBrowser(e.queue());
        Enumeration<?> all = b.getEnumeration();
        all.nextElement();
        b.close();
        wantNumbers(s.createConsumer(e.queue()), 0, 100);
    }

    @Scenario(name = "browse/while-consumed", ref = "browsing beside consumers that drain the queue ends, and nothing is lost")
    static void whileConsumed(Env e) throws Exception {
        putNumbers(e.session(), e.queue(), 500);
        Session s = e.session();
        Thread browser = new Thread(() -> {
            try {
                for (int i = 0; i < 10; i++) {
                    browse(s, e.queue(), null);
                }
            } catch (Exception x) {
                x.printStackTrace();
            }
        });
        browser.start();
        wantNumbers(e.session().createConsumer(e.queue()), 0, 500);
        browser.join(PATIENCE);
        check(!browser.isAlive(), "the browser does not end");
    }

    @Scenario(name = "browse/beyond-end", ref = "asking a browser for more than there is is a NoSuchElementException or null, and the enumeration stays ended")
    static void beyondEnd(Env e) throws Exception {
        Session s = e.session();
        put(s, e.queue(), "only");
        Enumeration<?> all = s.createBrowser(e.queue()).getEnumeration();
        equal("text", text((Message) all.nextElement()), "only");
        check(!all.hasMoreElements(), "there is more");
        try {
            equal("element", all.nextElement(), null);
        } catch (NoSuchElementException ignored) {
            // As Java's enumerations do.
        }
    }

    @Scenario(name = "browse/temporary", ref = "temporary queues can be browsed")
    static void temporary(Env e) throws Exception {
        Session s = e.session();
        TemporaryQueue q = s.createTemporaryQueue();
        put(s, q, "x");
        Enumeration<?> all = s.createBrowser(q).getEnumeration();
        equal("text", text((Message) all.nextElement()), "x");
        check(!all.hasMoreElements(), "there is more");
    }

    @Scenario(name = "browse/wildcard", ref = "a browser of a pattern sees what the queues that match hold")
    static void wildcard(Env e) throws Exception {
        Session s = e.session();
        put(s, e.queue(".a"), "a");
        put(s, e.queue(".b"), "b");
        equal("browsed", new java.util.TreeSet<>(browse(s, new ActiveMQQueue(e.queue().getQueueName() + ".*"), null)).toString(), "[a, b]");
    }
}

package jmstest;

import static jmstest.Env.*;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.jms.DeliveryMode;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.Session;
import org.apache.activemq.ActiveMQConnection;

/** Competing consumers of queues. */
final class Queues {
    private Queues() {}

    @Scenario(name = "queue/order", ref = "one consumer gets messages in the order in which they were sent")
    static void order(Env e) throws Exception {
        putNumbers(e.session(), e.queue(), 1000);
        wantNumbers(e.session().createConsumer(e.queue()), 0, 1000);
    }

    @Scenario(name = "queue/mixed-persistence", ref = "persistent and non-persistent messages of one producer keep one order",
            activemq = "keeps them in two, and waiting ones may come out as 1p 3p 5p 2n 4n",
            why = "the order of sending is what a queue promises")
    static void mixed(Env e) throws Exception {
        Session s = e.session();
        MessageProducer p = s.createProducer(e.queue());
        for (int i = 0; i < 10; i++) {
            p.send(s.createTextMessage("" + i), i % 2 == 0 ? DeliveryMode.PERSISTENT : DeliveryMode.NON_PERSISTENT, 4, 0);
        }
        List<String> got = drain(e.session().createConsumer(e.queue()));
        if (e.differs()) {
            Collections.sort(got);
        }
        equal("got", got.toString(), "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]");
    }

    @Scenario(name = "queue/round-robin", ref = "consumers that wait take turns")
    static void roundRobin(Env e) throws Exception {
        MessageConsumer one = e.session().createConsumer(e.queue());
        MessageConsumer two = e.session().createConsumer(e.queue());
        putAll(e.session(), e.queue(), "0", "1", "2", "3", "4", "5");
        List<String> a = drain(one);
        List<String> b = drain(two);
        equal("each", List.of(a.size(), b.size()), List.of(3, 3));
        equal("parts", new TreeSet<>(List.of(a.toString(), b.toString())).toString(), "[[0, 2, 4], [1, 3, 5]]");
    }

    @Scenario(name = "queue/small-window-shares", ref = "with a prefetch of 1, a consumer that is busy leaves messages to the others")
    static void shares(Env e) throws Exception {
        ActiveMQConnection c = e.connect("jms.prefetchPolicy.queuePrefetch=1");
        CountDownLatch busy = new CountDownLatch(1);
        AtomicInteger slow = new AtomicInteger();
        AtomicInteger quick = new AtomicInteger();
        Env.auto(c).createConsumer(e.queue()).setMessageListener(m -> {
            slow.incrementAndGet();
            try {
                busy.await();
            } catch (InterruptedException ignored) {
                // The scenario is over.
            }
        });
        Env.auto(c).createConsumer(e.queue()).setMessageListener(m -> quick.incrementAndGet());
        putNumbers(e.session(), e.queue(), 50);
        await("the quick one gets what the slow one leaves", () -> quick.get() >= 48);
        busy.countDown();
        await("all", () -> quick.get() + slow.get() == 50);
    }

    @Scenario(name = "queue/prefetch-holds", ref = "what a consumer has prefetched waits for it, up to its window and no more")
    static void window(Env e) throws Exception {
        MessageConsumer first = client(e.connect("jms.prefetchPolicy.queuePrefetch=5")).createConsumer(e.queue());
        putNumbers(e.session(), e.queue(), 20);
        List<String> rest = drain(e.session().createConsumer(e.queue()));
        equal("left for the other", rest.size(), 15);
        wantNumbers(first, 0, 5);
    }

    @Scenario(name = "queue/consumer-priority", ref = "consumers of a higher priority are served while they have room, then others")
    static void priority(Env e) throws Exception {
        MessageConsumer low = e.session().createConsumer(e.queue());
        MessageConsumer high = client(e.connect()).createConsumer(e.queue("?consumer.priority=5&consumer.prefetchSize=4"));
        putAll(e.session(), e.queue(), "0", "1", "2", "3", "4", "5");
        wantTexts(low, "4", "5");
        wantTexts(high, "0", "1", "2", "3");
        quiet(low);
    }

    @Scenario(name = "queue/exclusive", ref = "an exclusive consumer takes all, also from those that came before it, and when it goes the next exclusive one takes over, then the others")
    static void exclusive(Env e) throws Exception {
        MessageConsumer plain = e.session().createConsumer(e.queue());
        Session s = e.session();
        MessageConsumer first = s.createConsumer(e.queue("?consumer.exclusive=true"));
        MessageConsumer second = e.session().createConsumer(e.queue("?consumer.exclusive=true"));
        putAll(e.session(), e.queue(), "0", "1", "2");
        wantTexts(first, "0", "1", "2");
        first.close();
        putAll(e.session(), e.queue(), "3", "4");
        wantTexts(second, "3", "4");
        second.close();
        putAll(e.session(), e.queue(), "5");
        wantTexts(plain, "5");
    }

    @Scenario(name = "queue/exclusive-priority", ref = "among exclusive consumers the one of the highest priority is served")
    static void exclusivePriority(Env e) throws Exception {
        MessageConsumer low = e.session().createConsumer(e.queue("?consumer.exclusive=true"));
        MessageConsumer high = e.session().createConsumer(e.queue("?consumer.exclusive=true&consumer.priority=10"));
        putAll(e.session(), e.queue(), "0", "1");
        wantTexts(high, "0", "1");
        quiet(low);
    }

    @Scenario(name = "queue/no-local", ref = "noLocal means nothing on a queue to others: what its own connection sent is left to them")
    static void noLocal(Env e) throws Exception {
        Session s = e.session();
        MessageConsumer other = e.session().createConsumer(e.queue());
        put(s, e.queue(), "x");
        wantTexts(other, "x");
    }

    @Scenario(name = "queue/priority-carried", ref = "without prioritizedMessages, priority changes nothing in the order")
    static void priorityCarried(Env e) throws Exception {
        Session s = e.session();
        MessageProducer p = s.createProducer(e.queue());
        for (int i = 0; i < 10; i++) {
            p.send(s.createTextMessage("" + i), DeliveryMode.PERSISTENT, i, 0);
        }
        wantNumbers(e.session().createConsumer(e.queue()), 0, 10);
    }

    @Scenario(name = "queue/client-priority", ref = "a client with messagePrioritySupported sorts what it has prefetched")
    static void clientPriority(Env e) throws Exception {
        Session s = e.session();
        MessageProducer p = s.createProducer(e.queue());
        for (int i = 0; i < 10; i++) {
            p.send(s.createTextMessage("" + i), DeliveryMode.PERSISTENT, i, 0);
        }
        ActiveMQConnection c = e.connect("jms.messagePrioritySupported=true");
        MessageConsumer consumer = Env.auto(c).createConsumer(e.queue());
        await("all prefetched", () -> ((org.apache.activemq.ActiveMQMessageConsumer) consumer).getMessageSize() == 10);
        equal("first", takeText(consumer), "9");
    }

    @Scenario(name = "queue/many-producers", ref = "eight producers and eight consumers on one queue: each message comes once, and each producer's messages in order")
    static void many(Env e) throws Exception {
        int each = 200;
        List<List<String>> got = new ArrayList<>();
        CountDownLatch all = new CountDownLatch(8 * each);
        for (int i = 0; i < 8; i++) {
            List<String> list = Collections.synchronizedList(new ArrayList<>());
            got.add(list);
            e.session().createConsumer(e.queue()).setMessageListener(m -> {
                try {
                    list.add(text(m));
                } catch (javax.jms.JMSException x) {
                    list.add(x.toString());
                }
                all.countDown();
            });
        }
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            int producer = i;
            Session s = e.session();
            Thread t = new Thread(() -> {
                try {
                    MessageProducer p = s.createProducer(e.queue());
                    p.setDeliveryMode(producer % 2 == 0 ? DeliveryMode.NON_PERSISTENT : DeliveryMode.PERSISTENT);
                    for (int n = 0; n < each; n++) {
                        p.send(s.createTextMessage(producer + ":" + n));
                    }
                } catch (javax.jms.JMSException x) {
                    x.printStackTrace();
                }
            });
            threads.add(t);
            t.start();
        }
        for (Thread t : threads) {
            t.join();
        }
        check(all.await(PATIENCE, TimeUnit.MILLISECONDS), all.getCount() + " did not come");
        TreeSet<String> once = new TreeSet<>();
        for (List<String> list : got) {
            int[] last = new int[8];
            for (String text : list) {
                check(once.add(text), text + " came twice");
                String[] parts = text.split(":");
                int producer = Integer.parseInt(parts[0]);
                int n = Integer.parseInt(parts[1]);
                check(n >= last[producer], text + " came after " + last[producer]);
                last[producer] = n;
            }
        }
        equal("messages", once.size(), 8 * each);
    }

    @Scenario(name = "queue/sessions-of-one-connection", ref = "consumers of several sessions of one connection share the queue, each message once")
    static void oneConnection(Env e) throws Exception {
        ActiveMQConnection c = e.connect();
        AtomicInteger n = new AtomicInteger();
        for (int i = 0; i < 10; i++) {
            Env.auto(c).createConsumer(e.queue()).setMessageListener(m -> n.incrementAndGet());
        }
        putNumbers(Env.auto(c), e.queue(), 500);
        await("all came", () -> n.get() == 500);
        quiet(e.session().createConsumer(e.queue()));
    }

    @Scenario(name = "queue/selectors-share", ref = "consumers with selectors get what they ask for, and messages that nobody asks for wait")
    static void selectors(Env e) throws Exception {
        Session s = e.session();
        MessageConsumer red = s.createConsumer(e.queue(), "colour = 'red'");
        MessageConsumer blue = s.createConsumer(e.queue(), "colour = 'blue'");
        for (String colour : List.of("green", "red", "blue", "green", "red")) {
            Durable.putColour(s, e.queue(), colour);
        }
        wantTexts(red, "red", "red");
        wantTexts(blue, "blue");
        quiet(red);
        equal("waiting", browse(s, e.queue(), null).toString(), "[green, green]");
        Message m = take(s.createConsumer(e.queue()));
        equal("text", text(m), "green");
    }

    @Scenario(name = "queue/deep-selector", ref = "a matching message is found behind any number of others",
            activemq = "looks at the first 200 messages only",
            why = "a consumer must not starve on what others left")
    static void deep(Env e) throws Exception {
        Session s = e.session();
        putNumbers(s, e.queue(), 1000);
        Durable.putColour(s, e.queue(), "red");
        MessageConsumer c = e.session().createConsumer(e.queue(), "colour = 'red'");
        if (e.differs()) {
            c.receive(1000); // it may come or not, as messages arrived while others were in memory
            return;
        }
        wantTexts(c, "red");
    }
}

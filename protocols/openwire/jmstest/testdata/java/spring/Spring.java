package spring;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import javax.jms.ConnectionFactory;
import javax.jms.Message;
import javax.jms.MessageListener;
import javax.jms.TextMessage;
import org.apache.activemq.ActiveMQConnectionFactory;
import org.springframework.jms.connection.CachingConnectionFactory;
import org.springframework.jms.connection.JmsTransactionManager;
import org.springframework.jms.core.JmsTemplate;
import org.springframework.jms.listener.DefaultMessageListenerContainer;
import org.springframework.jms.listener.SessionAwareMessageListener;
import org.springframework.jms.listener.SimpleMessageListenerContainer;
import org.springframework.jms.listener.adapter.MessageListenerAdapter;
import org.springframework.transaction.support.TransactionTemplate;

/** Spring's JmsTemplate and listener containers as applications use them. Prints DONE, or fails with an exception. */
public final class Spring {
    private Spring() {}

    public static void main(String[] args) throws Exception {
        try {
            ActiveMQConnectionFactory plain = new ActiveMQConnectionFactory(args[0]);
            plain.getRedeliveryPolicy().setInitialRedeliveryDelay(0);
            template(plain);
            CachingConnectionFactory cached = new CachingConnectionFactory(plain);
            cached.setSessionCacheSize(5);
            template(cached);
            transactions(plain);
            container(plain);
            replies(cached);
            durable(plain);
            cached.destroy();
        } catch (Throwable x) {
            x.printStackTrace();
            System.exit(1);
        }
        System.out.println("DONE");
        System.out.flush();
        System.exit(0);
    }

    private static void equal(Object got, Object want) {
        if (!want.equals(got)) {
            throw new AssertionError("got " + got + ", want " + want);
        }
    }

    private static void await(String what, Callable<Boolean> condition) throws Exception {
        for (long end = System.currentTimeMillis() + 60_000; !condition.call();) {
            if (System.currentTimeMillis() > end) {
                throw new AssertionError("never: " + what);
            }
            Thread.sleep(20);
        }
    }

    private static JmsTemplate make(ConnectionFactory f) {
        JmsTemplate t = new JmsTemplate(f);
        t.setReceiveTimeout(30_000);
        return t;
    }

    /** Sends and receives what the template converts, with a new connection for each call or a cached one. */
    private static void template(ConnectionFactory f) {
        JmsTemplate t = make(f);
        String queue = "spring." + System.nanoTime();
        t.convertAndSend(queue, "text");
        equal(t.receiveAndConvert(queue), "text");
        Map<String, Object> map = new HashMap<>(Map.of("a", 1, "b", "two"));
        t.convertAndSend(queue, map, m -> {
            m.setJMSCorrelationID("c");
            m.setStringProperty("colour", "red");
            return m;
        });
        Message got = t.receive(queue);
        try {
            equal(got.getJMSCorrelationID(), "c");
            equal(t.getMessageConverter().fromMessage(got), map);
        } catch (javax.jms.JMSException x) {
            throw new AssertionError(x);
        }
        t.convertAndSend(queue, new byte[] {1, 2, 3});
        equal(((byte[]) t.receiveAndConvert(queue)).length, 3);
        t.setReceiveTimeout(100);
        if (t.receive(queue) != null) {
            throw new AssertionError("there is more");
        }
        t.setExplicitQosEnabled(true);
        t.setDeliveryPersistent(false);
        t.setTimeToLive(60_000);
        t.setReceiveTimeout(30_000);
        for (int i = 0; i < 50; i++) {
            t.convertAndSend(queue, "" + i);
        }
        for (int i = 0; i < 50; i++) {
            equal(t.receiveAndConvert(queue), "" + i);
        }
    }

    /** Spring's own transaction manager. */
    private static void transactions(ConnectionFactory f) {
        String queue = "spring.tx." + System.nanoTime();
        JmsTemplate t = make(f);
        t.setSessionTransacted(true);
        TransactionTemplate tx = new TransactionTemplate(new JmsTransactionManager(f));
        try {
            tx.execute(status -> {
                t.convertAndSend(queue, "vanishes");
                throw new IllegalStateException("as planned");
            });
        } catch (IllegalStateException expected) {
            // It rolls back.
        }
        tx.execute(status -> {
            t.convertAndSend(queue, "1");
            t.convertAndSend(queue, "2");
            return null;
        });
        equal(tx.execute(status -> t.receiveAndConvert(queue)), "1");
        equal(t.receiveAndConvert(queue), "2");
    }

    /** A transacted container whose listener fails now and then. */
    private static void container(ConnectionFactory f) throws Exception {
        String queue = "spring.container." + System.nanoTime();
        List<String> done = Collections.synchronizedList(new ArrayList<>());
        AtomicInteger failures = new AtomicInteger();
        DefaultMessageListenerContainer c = new DefaultMessageListenerContainer();
        c.setConnectionFactory(f);
        c.setDestinationName(queue);
        c.setSessionTransacted(true);
        c.setConcurrency("2-4");
        c.setMessageListener((MessageListener) m -> {
            try {
                if (!m.getJMSRedelivered() && ((TextMessage) m).getText().endsWith("7")) {
                    failures.incrementAndGet();
                    throw new IllegalStateException("as planned");
                }
                done.add(((TextMessage) m).getText());
            } catch (javax.jms.JMSException x) {
                throw new IllegalArgumentException(x);
            }
        });
        c.setErrorHandler(x -> { });
        c.afterPropertiesSet();
        c.start();
        JmsTemplate t = make(new CachingConnectionFactory(f));
        for (int i = 0; i < 100; i++) {
            t.convertAndSend(queue, "" + i);
        }
        await("all are done", () -> done.size() >= 100);
        c.shutdown();
        equal(done.size(), 100);
        equal(new java.util.TreeSet<>(done).size(), 100);
        if (failures.get() < 10) {
            throw new AssertionError("only " + failures + " failures");
        }
        JmsTemplate rest = make(f);
        rest.setReceiveTimeout(200);
        if (rest.receive(queue) != null) {
            throw new AssertionError("something is left");
        }
    }

    /** Request and reply with an adapter that answers. */
    private static void replies(ConnectionFactory f) throws Exception {
        String queue = "spring.requests." + System.nanoTime();
        SimpleMessageListenerContainer c = new SimpleMessageListenerContainer();
        c.setConnectionFactory(f);
        c.setDestinationName(queue);
        c.setConcurrentConsumers(3);
        c.setMessageListener((SessionAwareMessageListener<TextMessage>) (m, session) -> {
            TextMessage reply = session.createTextMessage("re: " + m.getText());
            reply.setJMSCorrelationID(m.getJMSMessageID());
            session.createProducer(m.getJMSReplyTo()).send(reply);
        });
        c.afterPropertiesSet();
        c.start();
        JmsTemplate t = make(f);
        for (int i = 0; i < 20; i++) {
            String text = "" + i;
            Message reply = t.sendAndReceive(queue, s -> s.createTextMessage(text));
            equal(((TextMessage) reply).getText(), "re: " + i);
        }
        c.shutdown();
    }

    /** A durable listener that goes away and comes back. */
    private static void durable(ConnectionFactory f) throws Exception {
        String topic = "spring.topic." + System.nanoTime();
        List<String> got = Collections.synchronizedList(new ArrayList<>());
        JmsTemplate t = make(f);
        t.setPubSubDomain(true);
        for (int round = 0; round < 2; round++) {
            DefaultMessageListenerContainer c = new DefaultMessageListenerContainer();
            c.setConnectionFactory(f);
            c.setDestinationName(topic);
            c.setPubSubDomain(true);
            c.setSubscriptionDurable(true);
            c.setClientId(topic);
            c.setDurableSubscriptionName("sub");
            c.setMessageListener(new MessageListenerAdapter(new Object() {
                @SuppressWarnings("unused")
                public void handleMessage(String text) {
                    got.add(text);
                }
            }));
            c.afterPropertiesSet();
            c.start();
            int want = 2 * round + 1;
            await("it is subscribed", () -> c.isRegisteredWithDestination() && c.getActiveConsumerCount() > 0);
            if (round == 0) {
                Thread.sleep(300); // the container tells of the consumer just before it is made
                t.convertAndSend(topic, "there");
            }
            await("all came", () -> got.size() >= (want == 1 ? 1 : 2));
            c.shutdown();
            if (round == 0) {
                t.convertAndSend(topic, "away");
            }
        }
        equal(got.toString(), "[there, away]");
    }
}

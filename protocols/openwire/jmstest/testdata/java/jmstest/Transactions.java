package jmstest;

import static jmstest.Env.*;

import java.util.List;
import javax.jms.DeliveryMode;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.Session;
import org.apache.activemq.ActiveMQConnection;

/** Local transactions. */
final class Transactions {
    private Transactions() {}

    @Scenario(name = "tx/send-commit", ref = "what a transaction sends is seen by nobody, browsers included, until it commits; then all of it in order")
    static void sendCommit(Env e) throws Exception {
        Session tx = transacted(e.connect());
        Session s = e.session();
        MessageConsumer c = s.createConsumer(e.queue());
        putAll(tx, e.queue(), "1", "2", "3");
        quiet(c);
        equal("browsed", browse(s, e.queue(), null).size(), 0);
        tx.commit();
        wantTexts(c, "1", "2", "3");
    }

    @Scenario(name = "tx/send-rollback", ref = "what a transaction has sent vanishes when it rolls back")
    static void sendRollback(Env e) throws Exception {
        Session tx = transacted(e.connect());
        MessageConsumer c = e.session().createConsumer(e.queue());
        putAll(tx, e.queue(), "1", "2");
        tx.rollback();
        putAll(tx, e.queue(), "3");
        tx.commit();
        wantTexts(c, "3");
        quiet(c);
    }

    @Scenario(name = "tx/receive-commit", ref = "what a transaction has received is gone when it commits")
    static void receiveCommit(Env e) throws Exception {
        ActiveMQConnection c = e.connect();
        Session tx = transacted(c);
        putAll(e.session(), e.queue(), "1", "2", "3");
        wantTexts(tx.createConsumer(e.queue()), "1", "2");
        tx.commit();
        c.close();
        Acks.wantLeft(e, "3");
    }

    @Scenario(name = "tx/receive-close", ref = "a session or a connection that closes in the middle of a transaction gives back what it received, and what it sent vanishes")
    static void receiveClose(Env e) throws Exception {
        for (boolean whole : new boolean[] {false, true}) {
            ActiveMQConnection c = e.connect();
            Session tx = transacted(c);
            MessageConsumer all = e.session().createConsumer(e.queue(".out"));
            putAll(e.session(), e.queue(), "1", "2", "3");
            wantTexts(tx.createConsumer(e.queue()), "1", "2");
            putAll(tx, e.queue(".out"), "vanishes");
            if (whole) {
                c.close();
            } else {
                tx.close();
            }
            Acks.wantLeft(e, "1", "2", "3");
            quiet(all);
            all.close();
        }
    }

    @Scenario(name = "tx/connection-lost", ref = "a broken connection rolls its transactions back")
    static void connectionLost(Env e) throws Exception {
        Relay relay = e.relay();
        Session tx = transacted(e.start(e.factoryFor(relay.url())));
        MessageConsumer out = e.session().createConsumer(e.queue(".out"));
        putAll(e.session(), e.queue(), "1", "2");
        wantTexts(tx.createConsumer(e.queue()), "1");
        putAll(tx, e.queue(".out"), "vanishes");
        relay.cut();
        Acks.wantLeft(e, "1", "2");
        quiet(out);
    }

    @Scenario(name = "tx/relay", ref = "receiving from one queue and sending to others is one whole: rolled back nothing has happened, committed all of it")
    static void relay(Env e) throws Exception {
        Session tx = transacted(e.connect(Redelivery.policy(-1)));
        Session s = e.session();
        putAll(s, e.queue(".in"), "a", "b");
        MessageConsumer in = tx.createConsumer(e.queue(".in"));
        MessageConsumer left = s.createConsumer(e.queue(".left"));
        MessageConsumer topic = s.createConsumer(e.topic());
        for (int round = 0; round < 2; round++) {
            String a = takeText(in);
            String b = takeText(in);
            put(tx, e.queue(".left"), a);
            put(tx, e.topic(), b);
            if (round == 0) {
                tx.rollback();
                quiet(left);
                quiet(topic);
            }
        }
        tx.commit();
        wantTexts(left, "a");
        wantTexts(topic, "b");
        quiet(in);
    }

    @Scenario(name = "tx/large", ref = "a transaction holds thousands of messages, received ones too")
    static void large(Env e) throws Exception {
        Session tx = transacted(e.connect());
        MessageProducer p = tx.createProducer(e.queue());
        for (int i = 0; i < 3000; i++) {
            p.send(tx.createTextMessage(Integer.toString(i)), DeliveryMode.PERSISTENT, 4, 0);
        }
        tx.commit();
        MessageConsumer c = tx.createConsumer(e.queue());
        for (int i = 0; i < 3000; i++) {
            equal("text", takeText(c), Integer.toString(i));
            if (i % 150 == 149) {
                tx.commit();
            }
        }
        c.close();
        Acks.wantLeft(e);
    }

    @Scenario(name = "tx/receive-many", ref = "one transaction may receive as many messages as it likes",
            activemq = "pages in 200 messages and stalls there until the transaction commits",
            why = "a consumer that gathers a batch before it commits would wait for ever")
    static void receiveMany(Env e) throws Exception {
        Session tx = transacted(e.connect());
        putNumbers(e.session(), e.queue(), 2500);
        MessageConsumer c = tx.createConsumer(e.queue());
        if (e.differs()) {
            int n = 0;
            for (Message m = c.receive(3000); m != null && n < 2500; m = c.receive(1000)) {
                n++;
            }
            check(n >= 200, "only " + n + " came");
            return;
        }
        wantNumbers(c, 0, 2500);
        tx.commit();
        c.close();
        Acks.wantLeft(e);
    }

    @Scenario(name = "tx/small-window", ref = "a transaction receives more than the prefetch of its consumer")
    static void smallWindow(Env e) throws Exception {
        Session tx = transacted(e.connect("jms.prefetchPolicy.queuePrefetch=5"));
        putNumbers(e.session(), e.queue(), 60);
        MessageConsumer c = tx.createConsumer(e.queue());
        wantNumbers(c, 0, 60);
        tx.commit();
        c.close();
        Acks.wantLeft(e);
    }

    @Scenario(name = "tx/rollback-order", ref = "after a rollback what was received comes again in order, and before the rest")
    static void rollbackOrder(Env e) throws Exception {
        Session tx = transacted(e.connect(Redelivery.policy(-1)));
        putNumbers(e.session(), e.queue(), 30);
        MessageConsumer c = tx.createConsumer(e.queue());
        for (int round = 0; round < 3; round++) {
            wantNumbers(c, 0, 10);
            tx.rollback();
        }
        wantNumbers(c, 0, 30);
        tx.commit();
        quiet(c);
    }

    @Scenario(name = "tx/empty", ref = "transactions without anything in them end without an error")
    static void empty(Env e) throws Exception {
        Session tx = transacted(e.connect());
        tx.commit();
        tx.rollback();
        tx.createConsumer(e.queue());
        tx.commit();
    }

    @Scenario(name = "tx/consumer-closed", ref = "a consumer may close before its transaction ends: committed, its messages are gone; rolled back, they come to others")
    static void consumerClosed(Env e) throws Exception {
        for (boolean commit : new boolean[] {true, false}) {
            ActiveMQConnection c = e.connect(Redelivery.policy(-1));
            Session tx = transacted(c);
            putAll(e.session(), e.queue(), "1", "2");
            MessageConsumer consumer = tx.createConsumer(e.queue());
            wantTexts(consumer, "1", "2");
            consumer.close();
            if (commit) {
                tx.commit();
                Acks.wantLeft(e);
            } else {
                tx.rollback();
                Acks.wantLeft(e, "1", "2");
            }
            c.close();
        }
    }

    @Scenario(name = "tx/topic", ref = "topics take part: sent messages come at commit, received ones again after a rollback")
    static void topic(Env e) throws Exception {
        Session tx = transacted(e.connect(Redelivery.policy(-1)));
        MessageConsumer own = tx.createConsumer(e.topic());
        MessageConsumer other = e.session().createConsumer(e.topic());
        putAll(tx, e.topic(), "1", "2");
        quiet(other);
        tx.commit();
        wantTexts(other, "1", "2");
        wantTexts(own, "1", "2");
        tx.rollback();
        wantTexts(own, "1", "2");
        tx.commit();
        quiet(own);
    }

    @Scenario(name = "tx/two-sessions", ref = "two sessions of a connection have transactions that know nothing of each other")
    static void twoSessions(Env e) throws Exception {
        ActiveMQConnection c = e.connect();
        Session one = transacted(c);
        Session two = transacted(c);
        MessageConsumer consumer = e.session().createConsumer(e.queue());
        put(one, e.queue(), "one");
        put(two, e.queue(), "two");
        one.rollback();
        two.commit();
        wantTexts(consumer, "two");
        quiet(consumer);
    }

    @Scenario(name = "tx/listener", ref = "a listener may commit in between; a rollback makes it see the message again")
    static void listener(Env e) throws Exception {
        Session tx = transacted(e.connect(Redelivery.policy(-1)));
        List<String> seen = java.util.Collections.synchronizedList(new java.util.ArrayList<>());
        tx.createConsumer(e.queue()).setMessageListener(m -> {
            try {
                seen.add(text(m) + m.getJMSRedelivered());
                if (m.getJMSRedelivered() || text(m).equals("2")) {
                    tx.commit();
                } else {
                    tx.rollback();
                }
            } catch (javax.jms.JMSException x) {
                seen.add(x.toString());
            }
        });
        putAll(e.session(), e.queue(), "1", "2");
        await("all seen", () -> seen.size() == 3);
        equal("seen", seen.toString(), "[1false, 1true, 2false]");
    }

    @Scenario(name = "tx/mixed-persistence", ref = "persistent and non-persistent messages of one transaction come together")
    static void mixed(Env e) throws Exception {
        Session tx = transacted(e.connect());
        MessageProducer p = tx.createProducer(e.queue());
        for (int i = 0; i < 6; i++) {
            p.send(tx.createTextMessage("" + i), i % 2 == 0 ? DeliveryMode.PERSISTENT : DeliveryMode.NON_PERSISTENT, 4, 0);
        }
        tx.commit();
        java.util.TreeSet<String> got = new java.util.TreeSet<>(drain(e.session().createConsumer(e.queue())));
        equal("got", got.toString(), "[0, 1, 2, 3, 4, 5]");
    }

    @Scenario(name = "tx/rollback-only", login = true, ref = "when a send in a transaction is refused, the commit fails and nothing of it has happened")
    static void rollbackOnly(Env e) throws Exception {
        Session tx = transacted(Access.as(e, "guest"));
        MessageConsumer c = e.session().createConsumer(Access.open(e));
        put(tx, Access.open(e), "good");
        MessageProducer p = tx.createProducer(null);
        p.send(Access.secret(e), tx.createTextMessage("refused"));
        failsSomehow("(?i).*rollback only.*", tx::commit);
        quiet(c);
        put(tx, Access.open(e), "next");
        tx.commit();
        wantTexts(c, "next");
    }
}

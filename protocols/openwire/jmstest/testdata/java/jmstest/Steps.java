package jmstest;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import javax.jms.DeliveryMode;
import javax.jms.JMSException;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.Session;
import javax.jms.XAConnection;
import javax.jms.XASession;
import javax.transaction.xa.XAResource;
import org.apache.activemq.ActiveMQConnection;
import org.apache.activemq.ActiveMQConnectionFactory;
import org.apache.activemq.ActiveMQXAConnectionFactory;
import org.apache.activemq.command.ActiveMQQueue;
import org.apache.activemq.command.ActiveMQTopic;

/**
 * Programs in steps between which somebody kills and starts the broker: each prints "STEP name" and waits for a line on
 * its standard input. What goes wrong is an exception.
 *
 * <pre>
 * Steps xa|survive|fill|drain|count url=... [n=...]
 * </pre>
 */
public final class Steps {
    private static final BufferedReader IN = new BufferedReader(new InputStreamReader(System.in));

    private Steps() {}

    public static void main(String[] args) throws Exception {
        Target t = Target.parse(args);
        try {
            run(args[0], t);
        } catch (Throwable x) {
            x.printStackTrace();
            System.exit(1); // threads of the client would keep the process
        }
        System.out.println("DONE");
        System.out.flush();
        System.exit(0);
    }

    private static void run(String program, Target t) throws Exception {
        switch (program) {
            case "xa" -> xa(t);
            case "survive" -> survive(t);
            case "fill" -> fill(t);
            case "drain" -> drain(t);
            case "count" -> count(t);
            default -> throw new IllegalArgumentException(program);
        }
    }

    private static void step(String name) throws Exception {
        System.out.println("STEP " + name);
        System.out.flush();
        IN.readLine();
    }

    private static ActiveMQConnection connect(String url, String clientId) throws JMSException {
        ActiveMQConnectionFactory f = new ActiveMQConnectionFactory("failover:(" + url + ")?initialReconnectDelay=20&maxReconnectDelay=100");
        f.getRedeliveryPolicy().setInitialRedeliveryDelay(0);
        f.getRedeliveryPolicy().setMaximumRedeliveries(-1);
        ActiveMQConnection c = (ActiveMQConnection) f.createConnection();
        if (clientId != null) {
            c.setClientID(clientId);
        }
        c.start();
        return c;
    }

    /** Prepared branches survive a restart: what they sent is hidden, what they received is locked, until they end. */
    private static void xa(Target t) throws Exception {
        // A queue for each, since a consumer in a branch goes on prefetching.
        ActiveMQQueue[] in = new ActiveMQQueue[6];
        ActiveMQQueue out = new ActiveMQQueue("steps.xa.out");
        Xa.Branch[] branches = new Xa.Branch[6];
        ActiveMQConnection plain = connect(t.url, null);
        for (int i = 0; i < branches.length; i++) {
            in[i] = new ActiveMQQueue("steps.xa.in." + i);
            Env.put(Env.auto(plain), in[i], "m" + i);
        }
        plain.close();
        XAConnection c = new ActiveMQXAConnectionFactory(t.url).createXAConnection();
        c.start();
        for (int i = 0; i < branches.length; i++) {
            branches[i] = new Xa.Branch(17, ("branch " + i).getBytes(), new byte[] {(byte) i});
            XASession s = c.createXASession();
            s.getXAResource().start(branches[i], XAResource.TMNOFLAGS);
            Env.put(s, out, Env.takeText(s.createConsumer(in[i])));
            s.getXAResource().end(branches[i], XAResource.TMSUCCESS);
            if (i < branches.length - 1) {
                Env.equal("vote", s.getXAResource().prepare(branches[i]), XAResource.XA_OK);
            }
        }
        step("prepared");
        XAConnection d = new ActiveMQXAConnectionFactory(t.url).createXAConnection();
        d.start();
        XAResource r = d.createXASession().getXAResource();
        for (int i = 0; i < branches.length; i++) {
            Env.equal("recovered " + i, Xa.recovers(r, branches[i]), i < branches.length - 1);
        }
        plain = connect(t.url, null);
        Session s = Env.transacted(plain); // whose commit is confirmed, as an acknowledgement by itself is not
        MessageConsumer inputs = s.createConsumer(new ActiveMQQueue("steps.xa.in.>"));
        MessageConsumer outputs = s.createConsumer(out);
        Env.equal("unprepared input", Env.takeText(inputs), "m5"); // its branch is gone with the process
        Env.quiet(inputs);
        Env.quiet(outputs);
        r.commit(branches[0], false);
        r.rollback(branches[1]);
        Env.equal("output", Env.takeText(outputs), "m0");
        Env.equal("returned", Env.takeText(inputs), "m1");
        s.commit();
        plain.close();
        d.close();
        step("ended two");
        d = new ActiveMQXAConnectionFactory(t.url).createXAConnection();
        d.start();
        r = d.createXASession().getXAResource();
        for (int i = 0; i < branches.length; i++) {
            Env.equal("recovered " + i, Xa.recovers(r, branches[i]), i >= 2 && i < branches.length - 1);
        }
        for (int i = 2; i < branches.length - 1; i++) {
            r.commit(branches[i], false);
        }
        plain = connect(t.url, null);
        List<String> got = Env.drain(Env.auto(plain).createConsumer(out));
        Env.equal("outputs", new TreeSet<>(got).toString(), "[m2, m3, m4]");
        Env.equal("outputs", got.size(), 3);
        Env.quiet(Env.auto(plain).createConsumer(new ActiveMQQueue("steps.xa.in.>")));
    }

    /** A durable subscription, a temporary queue, an open transaction, a browser and a scheduled message over restarts. */
    private static void survive(Target t) throws Exception {
        ActiveMQQueue queue = new ActiveMQQueue("steps.survive");
        ActiveMQTopic topic = new ActiveMQTopic("steps.survive");
        ActiveMQConnection c = connect(t.url, "survivor");
        Session s = Env.auto(c);
        MessageConsumer sub = s.createDurableSubscriber(topic, "sub", "n > 0", false);
        MessageConsumer away = s.createDurableSubscriber(topic, "away");
        away.close();
        javax.jms.TemporaryQueue temporary = s.createTemporaryQueue();
        MessageConsumer replies = s.createConsumer(temporary);
        Session tx = Env.transacted(c);
        Env.put(tx, queue, "in the transaction");
        Session held = Env.client(c);
        Env.putAll(s, new ActiveMQQueue("steps.held"), "held 1", "held 2");
        MessageConsumer holding = held.createConsumer(new ActiveMQQueue("steps.held"));
        Env.wantTexts(holding, "held 1");
        for (int round = 0; round < 3; round++) {
            MessageProducer p = s.createProducer(topic);
            for (int n = 0; n < 3; n++) {
                javax.jms.TextMessage m = s.createTextMessage(round + "." + n);
                m.setIntProperty("n", n);
                p.send(m);
            }
            step("round " + round);
            Env.wantTexts(sub, round + ".1", round + ".2");
            Env.put(s, temporary, "reply " + round);
            Env.wantTexts(replies, "reply " + round);
            Set<String> again = new TreeSet<>();
            Message last = null;
            while (again.size() < 2) {
                last = Env.take(holding);
                again.add(Env.text(last));
            }
            Env.equal("held", again.toString(), "[held 1, held 2]");
        }
        Env.put(tx, queue, "after the restarts");
        tx.commit();
        Env.wantTexts(s.createConsumer(queue), "in the transaction", "after the restarts");
        away = s.createDurableSubscriber(topic, "away");
        for (int round = 0; round < 3; round++) {
            for (int n = 0; n < 3; n++) {
                Env.wantTexts(away, round + "." + n);
            }
        }
        Env.quiet(away);
    }

    /** Fills a queue with numbered persistent messages. */
    private static void fill(Target t) throws Exception {
        int n = Integer.parseInt(t.get("n", "1000"));
        ActiveMQConnection c = connect(t.url, null);
        Session s = Env.transacted(c);
        MessageProducer p = s.createProducer(new ActiveMQQueue(t.get("queue", "")));
        p.setDeliveryMode(DeliveryMode.PERSISTENT);
        for (int i = 0; i < n; i++) {
            javax.jms.TextMessage m = s.createTextMessage(i + " " + "x".repeat(i % 200));
            m.setIntProperty("n", i);
            p.send(m);
            if (i % 1000 == 999) {
                s.commit();
            }
        }
        s.commit();
        c.close();
    }

    /** Takes numbered messages until all have come, and tells how many came more than once. */
    private static void drain(Target t) throws Exception {
        int n = Integer.parseInt(t.get("n", "1000"));
        ActiveMQConnection c = connect(t.url, null);
        Session s = Env.transacted(c);
        MessageConsumer consumer = s.createConsumer(new ActiveMQQueue(t.get("queue", "")));
        java.util.BitSet seen = new java.util.BitSet(n);
        int total = 0;
        while (seen.cardinality() < n) {
            Message m = consumer.receive(20_000);
            if (m == null) {
                throw new AssertionError("only " + seen.cardinality() + " of " + n + " came; the first missing is " + seen.nextClearBit(0));
            }
            int i = m.getIntProperty("n");
            Env.equal("text", Env.text(m), i + " " + "x".repeat(i % 200));
            seen.set(i);
            if (++total % 100 == 0) {
                s.commit();
            }
        }
        for (Message m = consumer.receive(2000); m != null; m = consumer.receive(500)) {
            total++;
        }
        s.commit();
        System.out.println("CAME " + seen.cardinality() + " different, " + total + " in all");
        c.close();
    }

    /** Takes what a queue holds and tells how many that were. */
    private static void count(Target t) throws Exception {
        ActiveMQConnection c = connect(t.url, null);
        System.out.println("COUNT " + Env.drain(Env.auto(c).createConsumer(new ActiveMQQueue(t.get("queue", "")))).size());
        c.close();
    }
}

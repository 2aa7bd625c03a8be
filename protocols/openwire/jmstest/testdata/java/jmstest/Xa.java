package jmstest;

import static jmstest.Env.*;

import java.util.Arrays;
import java.util.HexFormat;
import javax.jms.MessageConsumer;
import javax.jms.XAConnection;
import javax.jms.XASession;
import javax.transaction.xa.XAException;
import javax.transaction.xa.XAResource;
import javax.transaction.xa.Xid;

/** Distributed transactions. */
final class Xa {
    private Xa() {}

    record Branch(int format, byte[] global, byte[] qualifier) implements Xid {
        @Override
        public int getFormatId() {
            return format;
        }

        @Override
        public byte[] getGlobalTransactionId() {
            return global;
        }

        @Override
        public byte[] getBranchQualifier() {
            return qualifier;
        }

        boolean same(Xid x) {
            return x.getFormatId() == format && Arrays.equals(x.getGlobalTransactionId(), global) && Arrays.equals(x.getBranchQualifier(), qualifier);
        }
    }

    static Branch branch(Env e, String name) {
        return new Branch(4711, (e.unique + name).getBytes(), new byte[] {0, -1, 1});
    }

    static XASession session(Env e) throws Exception {
        XAConnection c = e.xaFactory().createXAConnection();
        e.keep(new Closing(c));
        c.start();
        return c.createXASession();
    }

    static boolean recovers(XAResource r, Branch b) throws XAException {
        return Arrays.stream(r.recover(XAResource.TMSTARTRSCAN | XAResource.TMENDRSCAN)).anyMatch(b::same);
    }

    static void failsWith(int code, Action action) throws Exception {
        try {
            action.run();
        } catch (XAException x) {
            equal("error code", x.errorCode, code);
            return;
        }
        throw new AssertionError("it did not fail");
    }

    @Scenario(name = "xa/two-phases", ref = "a prepared branch is seen by nobody and listed by recover; its commit makes it visible and takes it off the list")
    static void twoPhases(Env e) throws Exception {
        XASession s = session(e);
        XAResource r = s.getXAResource();
        Branch b = branch(e, "");
        MessageConsumer c = e.session().createConsumer(e.queue());
        r.start(b, XAResource.TMNOFLAGS);
        put(s, e.queue(), "1");
        put(s, e.queue(), "2");
        r.end(b, XAResource.TMSUCCESS);
        equal("vote", r.prepare(b), XAResource.XA_OK);
        quiet(c);
        check(recovers(r, b), "recover does not list the branch");
        check(recovers(session(e).getXAResource(), b), "recover on another connection does not list the branch");
        r.commit(b, false);
        wantTexts(c, "1", "2");
        check(!recovers(r, b), "recover lists the branch after its commit");
    }

    @Scenario(name = "xa/one-phase", ref = "a branch commits in one phase as well")
    static void onePhase(Env e) throws Exception {
        XASession s = session(e);
        XAResource r = s.getXAResource();
        Branch b = branch(e, "");
        putAll(e.session(), e.queue(".in"), "a", "b");
        MessageConsumer out = e.session().createConsumer(e.queue());
        r.start(b, XAResource.TMNOFLAGS);
        MessageConsumer in = s.createConsumer(e.queue(".in"));
        put(s, e.queue(), takeText(in));
        r.end(b, XAResource.TMSUCCESS);
        r.commit(b, true);
        wantTexts(out, "a");
        s.close();
        MessageConsumer rest = e.session().createConsumer(e.queue(".in"));
        wantTexts(rest, "b");
        quiet(rest);
    }

    @Scenario(name = "xa/rollback", ref = "a branch rolls back before it is prepared and after: what it sent vanishes, what it received comes again")
    static void rollback(Env e) throws Exception {
        putAll(e.session(), e.queue(".in"), "a");
        MessageConsumer out = e.session().createConsumer(e.queue());
        for (boolean prepared : new boolean[] {false, true}) {
            XASession s = session(e);
            XAResource r = s.getXAResource();
            Branch b = branch(e, "" + prepared);
            r.start(b, XAResource.TMNOFLAGS);
            MessageConsumer in = s.createConsumer(e.queue(".in"));
            put(s, e.queue(), takeText(in));
            r.end(b, XAResource.TMSUCCESS);
            if (prepared) {
                equal("vote", r.prepare(b), XAResource.XA_OK);
            }
            r.rollback(b);
            s.close();
            quiet(out);
        }
        wantTexts(e.session().createConsumer(e.queue(".in")), "a");
    }

    @Scenario(name = "xa/read-only", ref = "a branch in which nothing happened votes read-only and is over")
    static void readOnly(Env e) throws Exception {
        XAResource r = session(e).getXAResource();
        Branch b = branch(e, "");
        r.start(b, XAResource.TMNOFLAGS);
        r.end(b, XAResource.TMSUCCESS);
        equal("vote", r.prepare(b), XAResource.XA_RDONLY);
        check(!recovers(r, b), "recover lists the branch");
    }

    @Scenario(name = "xa/unknown", ref = "ending a branch that nobody knows is XAER_NOTA")
    static void unknown(Env e) throws Exception {
        XAResource r = session(e).getXAResource();
        Branch b = branch(e, "");
        failsWith(XAException.XAER_NOTA, () -> r.commit(b, false));
        failsWith(XAException.XAER_NOTA, () -> r.commit(b, true));
        failsWith(XAException.XAER_NOTA, () -> r.rollback(b));
        try {
            r.prepare(b);
            throw new AssertionError("it was prepared");
        } catch (XAException x) {
            // The client makes XAER_RMFAIL of an exception that is none of XA's.
            check(x.errorCode == XAException.XAER_NOTA || x.errorCode == XAException.XAER_RMFAIL, "error code is " + x.errorCode);
        }
    }

    @Scenario(name = "xa/other-connection", ref = "a prepared branch survives its connection and is ended by another one")
    static void otherConnection(Env e) throws Exception {
        putAll(e.session(), e.queue(".in"), "a", "b");
        MessageConsumer out = e.session().createConsumer(e.queue());
        for (boolean commit : new boolean[] {true, false}) {
            XAConnection c = e.xaFactory().createXAConnection();
            c.start();
            XASession s = c.createXASession();
            Branch b = branch(e, "" + commit);
            s.getXAResource().start(b, XAResource.TMNOFLAGS);
            MessageConsumer in = s.createConsumer(e.queue(".in"));
            put(s, e.queue(), takeText(in));
            s.getXAResource().end(b, XAResource.TMSUCCESS);
            s.getXAResource().prepare(b);
            c.close();
            XAResource r = session(e).getXAResource();
            check(recovers(r, b), "recover does not list the branch");
            quiet(out);
            if (commit) {
                r.commit(b, false);
                wantTexts(out, "a");
            } else {
                r.rollback(b);
                quiet(out);
            }
        }
        wantTexts(e.session().createConsumer(e.queue(".in")), "b");
    }

    @Scenario(name = "xa/unprepared-lost", ref = "a branch that is not prepared ends with its connection")
    static void unpreparedLost(Env e) throws Exception {
        Relay relay = e.relay();
        putAll(e.session(), e.queue(".in"), "a");
        MessageConsumer out = e.session().createConsumer(e.queue());
        XAConnection c = e.target.scheme().equals("ssl") ? null : new org.apache.activemq.ActiveMQXAConnectionFactory(e.target.user, e.target.password, relay.url()).createXAConnection();
        if (c == null) {
            return; // the factory's TLS form takes no other address; the plain run shows it
        }
        e.keep(new Closing(c));
        c.start();
        XASession s = c.createXASession();
        Branch b = branch(e, "");
        s.getXAResource().start(b, XAResource.TMNOFLAGS);
        put(s, e.queue(), takeText(s.createConsumer(e.queue(".in"))));
        relay.cut();
        wantTexts(e.session().createConsumer(e.queue(".in")), "a");
        quiet(out);
        check(!recovers(session(e).getXAResource(), b), "recover lists the branch");
    }

    @Scenario(name = "xa/locked", ref = "what a prepared branch has received is handed to nobody else")
    static void locked(Env e) throws Exception {
        putAll(e.session(), e.queue(), "a");
        XAConnection connection = e.xaFactory().createXAConnection();
        connection.start();
        XASession s = connection.createXASession();
        XAResource r = s.getXAResource();
        Branch b = branch(e, "");
        r.start(b, XAResource.TMNOFLAGS);
        wantTexts(s.createConsumer(e.queue()), "a");
        r.end(b, XAResource.TMSUCCESS);
        r.prepare(b);
        connection.close();
        putAll(e.session(), e.queue(), "b");
        MessageConsumer c = e.session().createConsumer(e.queue());
        wantTexts(c, "b");
        quiet(c);
        session(e).getXAResource().commit(b, false);
        quiet(c);
    }

    @Scenario(name = "xa/suspend", ref = "a branch can be suspended and resumed while the session does something else")
    static void suspend(Env e) throws Exception {
        XASession s = session(e);
        XAResource r = s.getXAResource();
        Branch one = branch(e, "1");
        Branch two = branch(e, "2");
        MessageConsumer c = e.session().createConsumer(e.queue());
        r.start(one, XAResource.TMNOFLAGS);
        put(s, e.queue(), "one");
        r.end(one, XAResource.TMSUSPEND);
        r.start(two, XAResource.TMNOFLAGS);
        put(s, e.queue(), "two");
        r.end(two, XAResource.TMSUCCESS);
        r.commit(two, true);
        wantTexts(c, "two");
        r.start(one, XAResource.TMRESUME);
        put(s, e.queue(), "one again");
        r.end(one, XAResource.TMSUCCESS);
        r.prepare(one);
        r.commit(one, false);
        wantTexts(c, "one", "one again");
    }

    private static void receivesOn(Env e, int end, int start) throws Exception {
        XASession s = session(e);
        XAResource r = s.getXAResource();
        Branch b = branch(e, "");
        for (String text : new String[] {"1", "2", "3", "4"}) {
            put(e.session(), e.queue(), text);
        }
        MessageConsumer c = s.createConsumer(e.queue());
        r.start(b, XAResource.TMNOFLAGS);
        wantTexts(c, "1");
        r.end(b, end);
        r.start(b, start);
        r.end(b, end); // nothing came meanwhile
        r.start(b, start);
        wantTexts(c, "2", "3");
        r.end(b, XAResource.TMSUCCESS);
        equal("vote", r.prepare(b), XAResource.XA_OK);
        r.commit(b, false);
        s.close();
        MessageConsumer rest = e.session().createConsumer(e.queue());
        wantTexts(rest, "4");
        quiet(rest);
    }

    @Scenario(name = "xa/suspend-received", ref = "a branch that received messages is suspended and resumed, receives more, and commits all of them")
    static void suspendReceived(Env e) throws Exception {
        receivesOn(e, XAResource.TMSUSPEND, XAResource.TMRESUME);
    }

    @Scenario(name = "xa/join", ref = "a branch that received messages is ended and joined again, as application servers do around each call, and commits all of them")
    static void join(Env e) throws Exception {
        receivesOn(e, XAResource.TMSUCCESS, XAResource.TMJOIN);
    }

    @Scenario(name = "xa/fail", ref = "a branch that ended with TMFAIL rolls back")
    static void fail(Env e) throws Exception {
        XASession s = session(e);
        XAResource r = s.getXAResource();
        Branch b = branch(e, "");
        MessageConsumer c = e.session().createConsumer(e.queue());
        r.start(b, XAResource.TMNOFLAGS);
        put(s, e.queue(), "vanishes");
        r.end(b, XAResource.TMFAIL);
        r.rollback(b);
        quiet(c);
    }

    @Scenario(name = "xa/durable", ref = "durable subscriptions take part: committed they go on behind, rolled back the messages come again")
    static void durable(Env e) throws Exception {
        XAConnection c = e.xaFactory().createXAConnection();
        e.keep(new Closing(c));
        c.setClientID(e.unique);
        c.start();
        XASession s = c.createXASession();
        XAResource r = s.getXAResource();
        MessageConsumer sub = s.createDurableSubscriber(e.topic(), "sub");
        putAll(e.session(), e.topic(), "1", "2", "3");
        Branch one = branch(e, "1");
        r.start(one, XAResource.TMNOFLAGS);
        wantTexts(sub, "1", "2");
        r.end(one, XAResource.TMSUCCESS);
        r.prepare(one);
        r.commit(one, false);
        Branch two = branch(e, "2");
        r.start(two, XAResource.TMNOFLAGS);
        wantTexts(sub, "3");
        r.end(two, XAResource.TMSUCCESS);
        r.rollback(two);
        c.close();
        MessageConsumer again = Env.auto(e.connectAs(e.unique)).createDurableSubscriber(e.topic(), "sub");
        wantTexts(again, "3");
        quiet(again);
    }

    @Scenario(name = "xa/many-branches", ref = "a hundred prepared branches are listed, each by its own id, and committed in another order")
    static void many(Env e) throws Exception {
        XASession s = session(e);
        XAResource r = s.getXAResource();
        for (int i = 0; i < 100; i++) {
            Branch b = branch(e, HexFormat.of().toHexDigits(i));
            r.start(b, XAResource.TMNOFLAGS);
            put(s, e.queue(), "" + i);
            r.end(b, XAResource.TMSUCCESS);
            r.prepare(b);
        }
        XAResource other = session(e).getXAResource();
        for (int i = 99; i >= 0; i--) {
            Branch b = branch(e, HexFormat.of().toHexDigits(i));
            check(i % 10 != 0 || recovers(other, b), "recover does not list branch " + i);
            other.commit(b, false);
        }
        equal("messages", drain(e.session().createConsumer(e.queue())).size(), 100);
    }
}

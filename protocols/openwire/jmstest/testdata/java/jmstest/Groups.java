package jmstest;

import static jmstest.Env.*;

import java.util.ArrayList;
import java.util.List;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.Session;
import javax.jms.TextMessage;

/** Message groups. */
final class Groups {
    private Groups() {}

    static void put(Session s, javax.jms.Destination d, String group, int seq, String text) throws Exception {
        TextMessage m = s.createTextMessage(text);
        m.setStringProperty("JMSXGroupID", group);
        if (seq != 0) {
            m.setIntProperty("JMSXGroupSeq", seq);
        }
        MessageProducer p = s.createProducer(d);
        p.send(m);
        p.close();
    }

    @Scenario(name = "group/sticky", ref = "a group stays with the consumer that got its first message; groups spread over the consumers")
    static void sticky(Env e) throws Exception {
        List<MessageConsumer> consumers = List.of(e.session().createConsumer(e.queue()), e.session().createConsumer(e.queue()));
        Session s = e.session();
        for (int i = 0; i < 10; i++) {
            for (String group : List.of("a", "b")) {
                put(s, e.queue(), group, 0, group + i);
            }
        }
        for (MessageConsumer c : consumers) {
            List<String> got = drain(c);
            equal("messages", got.size(), 10);
            List<String> want = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                want.add(got.get(0).charAt(0) + "" + i);
            }
            equal("one group, in order", got, want);
        }
    }

    @Scenario(name = "group/first-for-consumer", ref = "the first message of a group for its owner has JMSXGroupFirstForConsumer, later ones not")
    static void first(Env e) throws Exception {
        Session s = e.session();
        MessageConsumer c = s.createConsumer(e.queue());
        put(s, e.queue(), "g", 0, "1");
        put(s, e.queue(), "g", 0, "2");
        equal("first", take(c).getBooleanProperty("JMSXGroupFirstForConsumer"), true);
        equal("second", take(c).getBooleanProperty("JMSXGroupFirstForConsumer"), false);
    }

    @Scenario(name = "group/closed", ref = "JMSXGroupSeq -1 ends a group: that message still goes to the owner, the next one finds a new one")
    static void closed(Env e) throws Exception {
        MessageConsumer one = e.session().createConsumer(e.queue());
        MessageConsumer two = e.session().createConsumer(e.queue());
        Session s = e.session();
        put(s, e.queue(), "g", 0, "1");
        put(s, e.queue(), "g", -1, "2");
        put(s, e.queue(), "g", 0, "3");
        List<String> a = drain(one);
        List<String> b = drain(two);
        equal("all", a.size() + b.size(), 3);
        List<String> owner = a.contains("1") ? a : b;
        check(owner.contains("2"), "the closing message went elsewhere: " + a + b);
        equal("reassigned", owner.contains("3"), false);
    }

    @Scenario(name = "group/owner-gone", ref = "when the owner goes its groups find new owners, and its unacknowledged messages go to them first")
    static void ownerGone(Env e) throws Exception {
        Session first = client(e.connect());
        MessageConsumer owner = first.createConsumer(e.queue());
        Session s = e.session();
        for (int i = 0; i < 4; i++) {
            put(s, e.queue(), "g", 0, "" + i);
        }
        wantTexts(owner, "0", "1");
        MessageConsumer next = e.session().createConsumer(e.queue());
        quiet(next);
        first.close();
        wantTexts(next, "0", "1", "2", "3");
    }

    @Scenario(name = "group/full-owner", ref = "a group waits for its owner when that is full, and others go on")
    static void fullOwner(Env e) throws Exception {
        Session first = client(e.connect("jms.prefetchPolicy.queuePrefetch=2"));
        MessageConsumer owner = first.createConsumer(e.queue());
        Session s = e.session();
        for (int i = 0; i < 6; i++) {
            put(s, e.queue(), "g", 0, "g" + i);
        }
        MessageConsumer other = e.session().createConsumer(e.queue());
        Env.put(s, e.queue(), "free");
        wantTexts(other, "free");
        quiet(other);
        for (int i = 0; i < 6; i++) {
            Message m = take(owner);
            equal("text", text(m), "g" + i);
            m.acknowledge();
        }
    }

    @Scenario(name = "group/many", ref = "hundreds of groups keep their order over several consumers")
    static void many(Env e) throws Exception {
        List<MessageConsumer> consumers = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            consumers.add(e.session().createConsumer(e.queue()));
        }
        Session s = e.session("jms.useAsyncSend=true");
        MessageProducer p = s.createProducer(e.queue());
        for (int i = 0; i < 1000; i++) {
            TextMessage m = s.createTextMessage(i % 200 + ":" + i / 200);
            m.setStringProperty("JMSXGroupID", "g" + i % 200);
            p.send(m);
        }
        java.util.Map<String, Integer> next = new java.util.HashMap<>();
        int n = 0;
        for (MessageConsumer c : consumers) {
            for (String text : drain(c)) {
                String[] parts = text.split(":");
                equal("next of group " + parts[0], parts[1], "" + (next.merge(parts[0], 1, Integer::sum) - 1));
                n++;
            }
        }
        equal("messages", n, 1000);
    }
}

package jmstest;

import static jmstest.Env.*;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.jms.DeliveryMode;
import javax.jms.InvalidSelectorException;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.Session;
import javax.jms.TextMessage;

/** Selectors, which the broker evaluates. */
final class Selectors {
    private Selectors() {}

    /** Expressions, and which of the messages A, B and C they match. */
    private static Map<String, String> table() {
        Map<String, String> m = new LinkedHashMap<>();
        m.put("TRUE", "ABC");
        m.put("FALSE", "");
        m.put("1 = 1", "ABC");
        m.put("n = 7", "A");
        m.put("n <> 7", "B");
        m.put("NOT (n = 7)", "B");
        m.put("n = 7.0", "A");
        m.put("n > 7", "B");
        m.put("n >= 7 AND n < 8", "A");
        m.put("n BETWEEN 7 AND 10", "AB");
        m.put("n NOT BETWEEN 7 AND 9", "B");
        m.put("n IS NULL", "C");
        m.put("n IS NOT NULL", "AB");
        m.put("n = '7'", "");
        m.put("n <> '7'", "AB");
        m.put("n / 2 = 3.5", "A");
        m.put("n / 2 = 3", "");
        m.put("n % 2 = 1", "A");
        m.put("n + 1 = 8", "A");
        m.put("n * 2 - 1 = 13", "A");
        m.put("-n = -7", "A");
        m.put("n = 0x7", "A");
        m.put("n = 07", "A");
        m.put("n = 7L", "A");
        m.put("big > 2147483647", "B");
        m.put("d = 1E1", "B");
        m.put("d > .5", "AB");
        m.put("s = 'it''s'", "A");
        m.put("s <> 'x'", "AB");
        m.put("s LIKE 'it%'", "A");
        m.put("s LIKE '_t_s'", "A");
        m.put("s NOT LIKE 'it%'", "B");
        m.put("s LIKE '50!%' ESCAPE '!'", "B");
        m.put("s IN ('it''s', 'other')", "A");
        m.put("s NOT IN ('it''s', 'other')", "B");
        m.put("b", "A");
        m.put("NOT b", "B");
        m.put("b = TRUE", "A");
        m.put("b = true OR n = 10", "AB");
        m.put("unknown", "");
        m.put("NOT unknown", "");
        m.put("unknown = 1 OR n = 7", "A");
        m.put("unknown IS NULL AND n = 7", "A");
        m.put("n = 7 and s like 'it%' or b", "A");
        m.put("(n = 7 OR n = 10) AND (b OR s = '50%')", "AB");
        m.put("REGEX('^i', s)", "A");
        m.put("INLIST(SPLIT('7,it''s', ','), s)", "A");
        m.put("/* a comment */ n = 7", "A");
        m.put("JMSPriority > 5", "A");
        m.put("JMSDeliveryMode = 'PERSISTENT'", "A");
        m.put("JMSDeliveryMode = 'NON_PERSISTENT'", "BC");
        m.put("JMSType = 'type A'", "A");
        m.put("JMSCorrelationID = 'c-B'", "B");
        m.put("JMSCorrelationID LIKE 'c-%'", "ABC");
        m.put("JMSMessageID LIKE 'ID:%'", "ABC");
        m.put("JMSTimestamp > 0", "ABC");
        m.put("JMSExpiration = 0", "ABC");
        m.put("JMSRedelivered = FALSE", "ABC");
        m.put("JMSReplyTo = 'queue://reply'", "A");
        m.put("JMSReplyTo IS NULL", "BC");
        m.put("JMSXGroupID = 'g'", "C");
        m.put("JMSXGroupSeq = 5", "C");
        m.put("JMSXDeliveryCount = 1", "ABC");
        m.put("$dollar_ = 1", "C");
        return m;
    }

    private static void fill(Env e, Session s) throws Exception {
        MessageProducer p = s.createProducer(e.queue());
        TextMessage a = s.createTextMessage("A");
        a.setIntProperty("n", 7);
        a.setLongProperty("big", 1);
        a.setDoubleProperty("d", 0.75);
        a.setStringProperty("s", "it's");
        a.setBooleanProperty("b", true);
        a.setJMSType("type A");
        a.setJMSCorrelationID("c-A");
        a.setJMSReplyTo(s.createQueue("reply"));
        p.send(a, DeliveryMode.PERSISTENT, 9, 0);
        TextMessage b = s.createTextMessage("B");
        b.setByteProperty("n", (byte) 10);
        b.setLongProperty("big", 1L << 40);
        b.setFloatProperty("d", 10);
        b.setStringProperty("s", "50%");
        b.setBooleanProperty("b", false);
        b.setJMSCorrelationID("c-B");
        p.send(b, DeliveryMode.NON_PERSISTENT, 4, 0);
        TextMessage c = s.createTextMessage("C");
        c.setStringProperty("JMSXGroupID", "g");
        c.setIntProperty("JMSXGroupSeq", 5);
        c.setShortProperty("$dollar_", (short) 1);
        c.setJMSCorrelationID("c-C");
        p.send(c, DeliveryMode.NON_PERSISTENT, 0, 0);
    }

    @Scenario(name = "selector/table", ref = "selectors mean what they mean in ActiveMQ: operators, types, literals, functions, headers, and the logic of the unknown")
    static void table(Env e) throws Exception {
        Session s = e.session();
        fill(e, s);
        StringBuilder wrong = new StringBuilder();
        for (Map.Entry<String, String> row : table().entrySet()) {
            List<String> got = browse(s, e.queue(), row.getKey());
            java.util.Collections.sort(got);
            if (!String.join("", got).equals(row.getValue())) {
                wrong.append("\n").append(row.getKey()).append(" matches ").append(got).append(", want ").append(row.getValue());
            }
        }
        check(wrong.isEmpty(), wrong.toString());
    }

    @Scenario(name = "selector/invalid", ref = "what is no selector is an InvalidSelectorException, and nothing is subscribed")
    static void invalid(Env e) throws Exception {
        Session s = e.session();
        for (String text : List.of("n =", "n == 7", "n != 7", "p = NULL", "s > 'a'", "n IN (1, 2)", "a.b = 1", "lower(s) = 'x'", "\"s\" = 1", "n = 7 AND", "(n = 7", "'text'")) {
            fails(InvalidSelectorException.class, "(?s).*", () -> s.createConsumer(e.queue(), text));
        }
        put(s, e.queue(), "x");
        wantTexts(s.createConsumer(e.queue()), "x");
    }

    @Scenario(name = "selector/in-destination", ref = "consumer.selector of the destination counts like one of the call")
    static void inDestination(Env e) throws Exception {
        Session s = e.session();
        MessageConsumer c = s.createConsumer(e.queue("?consumer.selector=colour%20%3D%20'red'"));
        Durable.putColour(s, e.queue(), "blue");
        Durable.putColour(s, e.queue(), "red");
        wantTexts(c, "red");
        quiet(c);
    }

    @Scenario(name = "selector/empty", ref = "an empty selector is none")
    static void empty(Env e) throws Exception {
        Session s = e.session();
        put(s, e.queue(), "x");
        wantTexts(s.createConsumer(e.queue(), ""), "x");
    }

    @Scenario(name = "selector/by-id", ref = "a message can be asked for by its JMSMessageID, and by JMSCorrelationID as repliers do")
    static void byId(Env e) throws Exception {
        Session s = e.session();
        TextMessage first = put(s, e.queue(), "1");
        TextMessage second = put(s, e.queue(), "2");
        MessageConsumer c = s.createConsumer(e.queue(), "JMSMessageID = '" + second.getJMSMessageID() + "'");
        wantTexts(c, "2");
        quiet(c);
        c.close();
        wantTexts(s.createConsumer(e.queue(), "JMSMessageID = '" + first.getJMSMessageID() + "'"), "1");
    }

    @Scenario(name = "selector/redelivered", ref = "JMSRedelivered can be asked for")
    static void redelivered(Env e) throws Exception {
        Session s = client(e.connect());
        putAll(e.session(), e.queue(), "1", "2");
        wantTexts(s.createConsumer(e.queue()), "1");
        s.close();
        MessageConsumer fresh = e.session().createConsumer(e.queue(), "JMSRedelivered = FALSE");
        wantTexts(fresh, "2");
        quiet(fresh);
        wantTexts(e.session().createConsumer(e.queue(), "JMSRedelivered = TRUE"), "1");
    }

    @Scenario(name = "selector/mismatched-types", ref = "a selector whose arithmetic meets a text does not match, and its sender is not told",
            activemq = "answers the send with an error: one consumer's selector keeps a producer from publishing",
            why = "a producer must not suffer from a consumer's mistake")
    static void mismatched(Env e) throws Exception {
        Session s = e.session();
        MessageConsumer c = s.createConsumer(e.topic(), "n + 1 = 2");
        MessageConsumer all = s.createConsumer(e.topic());
        TextMessage m = s.createTextMessage("text");
        m.setStringProperty("n", "x");
        try {
            s.createProducer(e.topic()).send(m);
        } catch (javax.jms.JMSException x) {
            check(e.target.activemq(), "the send failed: " + x);
            e.differs();
            return;
        }
        TextMessage number = s.createTextMessage("number");
        number.setIntProperty("n", 1);
        s.createProducer(e.topic()).send(number);
        wantTexts(c, "number");
        wantTexts(all, "text", "number");
    }
}

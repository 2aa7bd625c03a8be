package jmstest;

import static jmstest.Env.*;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.jms.Message;
import javax.jms.Session;

/** Properties of every type. */
final class Properties {
    private Properties() {}

    /** One of each type, with the ends of each range. */
    static Map<String, Object> all() {
        Map<String, Object> m = new LinkedHashMap<>();
        m.put("true", true);
        m.put("false", false);
        m.put("byte", (byte) -128);
        m.put("byteMax", Byte.MAX_VALUE);
        m.put("short", Short.MIN_VALUE);
        m.put("shortMax", Short.MAX_VALUE);
        m.put("int", Integer.MIN_VALUE);
        m.put("intMax", Integer.MAX_VALUE);
        m.put("long", Long.MIN_VALUE);
        m.put("longMax", Long.MAX_VALUE);
        m.put("float", 1.5f);
        m.put("floatMax", Float.MAX_VALUE);
        m.put("floatNaN", Float.NaN);
        m.put("double", -2.25);
        m.put("doubleMin", Double.MIN_VALUE);
        m.put("doubleInfinite", Double.NEGATIVE_INFINITY);
        m.put("string", "text with ü, € and \t");
        m.put("empty", "");
        m.put("$dollar_", "names may hold $ and _");
        m.put("größe", 1);
        return m;
    }

    static void set(Message m, Map<String, Object> properties) throws Exception {
        for (Map.Entry<String, Object> p : properties.entrySet()) {
            m.setObjectProperty(p.getKey(), p.getValue());
        }
    }

    static void want(Message m, Map<String, Object> properties) throws Exception {
        for (Map.Entry<String, Object> p : properties.entrySet()) {
            equal("property " + p.getKey(), m.getObjectProperty(p.getKey()), p.getValue());
        }
    }

    @Scenario(name = "property/types", ref = "properties of every type come out with their type and value")
    static void types(Env e) throws Exception {
        Session s = e.session();
        Message m = s.createMessage();
        set(m, all());
        Message got = Messages.pass(e, s, m);
        want(got, all());
        for (String name : all().keySet()) {
            check(got.propertyExists(name), name + " does not exist");
        }
        check(!got.propertyExists("other"), "a property exists that nobody set");
    }

    @Scenario(name = "property/null", ref = "a property that is null exists and is null")
    static void nulls(Env e) throws Exception {
        Session s = e.session();
        Message m = s.createMessage();
        m.setObjectProperty("nothing", null);
        m.setStringProperty("text", null);
        Message got = Messages.pass(e, s, m);
        equal("nothing", got.getObjectProperty("nothing"), null);
        equal("text", got.getStringProperty("text"), null);
    }

    @Scenario(name = "property/conversions", ref = "a property can be read as other types, as JMS lists them")
    static void conversions(Env e) throws Exception {
        Session s = e.session();
        Message m = s.createMessage();
        m.setByteProperty("b", (byte) 7);
        m.setStringProperty("s", "12");
        m.setFloatProperty("f", 0.5f);
        m.setBooleanProperty("t", true);
        Message got = Messages.pass(e, s, m);
        equal("b as long", got.getLongProperty("b"), 7L);
        equal("b as text", got.getStringProperty("b"), "7");
        equal("s as int", got.getIntProperty("s"), 12);
        equal("f as double", got.getDoubleProperty("f"), 0.5);
        equal("t as text", got.getStringProperty("t"), "true");
        fails(javax.jms.MessageFormatException.class, ".*", () -> got.getIntProperty("f"));
    }

    @Scenario(name = "property/nested", ref = "maps and lists as properties, in each other too, come out equal")
    static void nested(Env e) throws Exception {
        Session s = e.session();
        Message m = s.createMessage();
        Map<String, Object> inner = new LinkedHashMap<>();
        inner.put("list", List.of(1, "two", 3L, List.of(true)));
        inner.put("text", "ü");
        m.setObjectProperty("map", inner);
        m.setObjectProperty("list", List.of("a", Map.of("k", 2.5)));
        Message got = Messages.pass(e, s, m);
        equal("map", String.valueOf(got.getObjectProperty("map")), "{list=[1, two, 3, [true]], text=ü}");
        equal("list", String.valueOf(got.getObjectProperty("list")), "[a, {k=2.5}]");
    }

    @Scenario(name = "property/big-strings", ref = "properties of up to a megabyte come out whole, across the lengths where their encoding changes")
    static void bigStrings(Env e) throws Exception {
        Session s = e.session();
        Message m = s.createMessage();
        Map<String, Object> big = new LinkedHashMap<>();
        for (int n : new int[] {8190, 8191, 8192, 32766, 32767, 32768, 65535, 65536, 1 << 20}) {
            big.put("n" + n, "x".repeat(n));
        }
        big.put("wide", "€".repeat(30_000));
        set(m, big);
        want(Messages.pass(e, s, m), big);
    }

    @Scenario(name = "property/many", ref = "a message may have a thousand properties")
    static void many(Env e) throws Exception {
        Session s = e.session();
        Message m = s.createMessage();
        Map<String, Object> list = new LinkedHashMap<>();
        for (int i = 0; i < 1000; i++) {
            list.put("p" + i, i);
        }
        set(m, list);
        want(Messages.pass(e, s, m), list);
    }

    @Scenario(name = "property/odd-characters", ref = "the bytes of a property are not touched: NUL and characters beyond the BMP arrive as the Java client reads its own encoding, as replacement characters")
    static void oddCharacters(Env e) throws Exception {
        Session s = e.session();
        Message m = s.createMessage();
        m.setStringProperty("nul", "a\0b");
        m.setStringProperty("emoji", "a\uD83D\uDE00b");
        Message got = Messages.pass(e, s, m);
        matches("nul", got.getStringProperty("nul"), "a(\0|\uFFFD+)b");
        matches("emoji", got.getStringProperty("emoji"), "a\uFFFD+b");
    }
}

package jmstest;

import static jmstest.Env.*;

import java.net.URL;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeSet;
import javax.jms.BytesMessage;
import javax.jms.DeliveryMode;
import javax.jms.MapMessage;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.MessageEOFException;
import javax.jms.ObjectMessage;
import javax.jms.Session;
import javax.jms.StreamMessage;
import javax.jms.TextMessage;
import org.apache.activemq.ActiveMQSession;
import org.apache.activemq.BlobMessage;
import org.apache.activemq.command.ActiveMQMessage;

/** Bodies of every kind, also compressed. */
final class Bodies {
    private Bodies() {}

    static List<String> texts() {
        return List.of("plain", "", "ä ö ü € 漢字", "nul \0 inside", "emoji \uD83D\uDE00 beyond the BMP", "line\r\nbreaks\ttabs", "x".repeat(70_000), "€".repeat(50_000));
    }

    static BytesMessage bytesOfAllTypes(Session s) throws Exception {
        BytesMessage m = s.createBytesMessage();
        m.writeBoolean(true);
        m.writeByte((byte) -1);
        m.writeShort(Short.MIN_VALUE);
        m.writeChar('ü');
        m.writeInt(Integer.MAX_VALUE);
        m.writeLong(Long.MIN_VALUE);
        m.writeFloat(1.25f);
        m.writeDouble(-1e300);
        m.writeUTF("text ü");
        m.writeBytes(new byte[] {1, 2, 3});
        return m;
    }

    static void wantAllTypes(BytesMessage m) throws Exception {
        equal("length", m.getBodyLength(), 1L + 1 + 2 + 2 + 4 + 8 + 4 + 8 + 9 + 3);
        equal("boolean", m.readBoolean(), true);
        equal("unsigned byte", m.readUnsignedByte(), 255);
        equal("short", m.readShort(), Short.MIN_VALUE);
        equal("char", m.readChar(), 'ü');
        equal("int", m.readInt(), Integer.MAX_VALUE);
        equal("long", m.readLong(), Long.MIN_VALUE);
        equal("float", m.readFloat(), 1.25f);
        equal("double", m.readDouble(), -1e300);
        equal("text", m.readUTF(), "text ü");
        byte[] rest = new byte[5];
        equal("bytes", m.readBytes(rest), 3);
        fails(MessageEOFException.class, ".*", m::readByte);
    }

    static MapMessage mapOfAllTypes(Session s) throws Exception {
        MapMessage m = s.createMapMessage();
        for (Map.Entry<String, Object> p : Properties.all().entrySet()) {
            m.setObject(p.getKey(), p.getValue());
        }
        m.setChar("char", 'ü');
        m.setBytes("bytes", new byte[] {1, 2, 3});
        m.setBytes("no bytes", new byte[0]);
        m.setObject("null", null);
        m.setObject("list", List.of(1, "two"));
        m.setObject("map", Map.of("k", 3L));
        m.setString("long", "x".repeat(100_000));
        return m;
    }

    static void wantAllTypes(MapMessage m) throws Exception {
        Map<String, Object> want = Properties.all();
        want.put("long", "x".repeat(100_000));
        for (Map.Entry<String, Object> p : want.entrySet()) {
            equal(p.getKey(), m.getObject(p.getKey()), p.getValue());
        }
        equal("char", m.getChar("char"), 'ü');
        equal("bytes", m.getBytes("bytes"), new byte[] {1, 2, 3});
        equal("no bytes", m.getBytes("no bytes"), new byte[0]);
        check(m.itemExists("null"), "null does not exist");
        equal("null", m.getObject("null"), null);
        equal("list", String.valueOf(m.getObject("list")), "[1, two]");
        equal("map", String.valueOf(m.getObject("map")), "{k=3}");
        equal("number of names", new TreeSet<Object>(Collections.list(m.getMapNames())).size(), want.size() + 6);
    }

    static StreamMessage streamOfAllTypes(Session s) throws Exception {
        StreamMessage m = s.createStreamMessage();
        for (Object o : Properties.all().values()) {
            m.writeObject(o);
        }
        m.writeChar('ü');
        m.writeBytes(new byte[] {1, 2, 3});
        m.writeString(null);
        m.writeString("x".repeat(100_000));
        m.writeInt(42);
        return m;
    }

    static void wantAllTypes(StreamMessage m) throws Exception {
        for (Object want : Properties.all().values()) {
            equal("value", m.readObject(), want);
        }
        equal("char", m.readChar(), 'ü');
        byte[] bytes = new byte[10];
        equal("bytes", m.readBytes(bytes), 3);
        equal("end of bytes", m.readBytes(bytes), -1);
        equal("null", m.readString(), null);
        equal("string", m.readString(), "x".repeat(100_000));
        equal("int as text", m.readString(), "42");
        fails(MessageEOFException.class, ".*", m::readInt);
        m.reset();
        equal("after reset", m.readObject(), true);
    }

    /** Passes one message of each kind through a queue, from one session to another. */
    static void eachKind(Env e, Session from, Session to, boolean compressed) throws Exception {
        MessageConsumer c = to.createConsumer(e.queue());
        javax.jms.MessageProducer p = from.createProducer(e.queue());
        for (String text : texts()) {
            p.send(from.createTextMessage(text));
            TextMessage got = (TextMessage) take(c);
            equal("text", got.getText(), text);
        }
        p.send(from.createTextMessage(null));
        equal("no text", ((TextMessage) take(c)).getText(), null);
        p.send(bytesOfAllTypes(from));
        BytesMessage b = (BytesMessage) take(c);
        equal("compressed", ((ActiveMQMessage) b).isCompressed(), compressed);
        wantAllTypes(b);
        p.send(mapOfAllTypes(from));
        wantAllTypes((MapMessage) take(c));
        p.send(streamOfAllTypes(from));
        wantAllTypes((StreamMessage) take(c));
        ArrayList<Object> object = new ArrayList<>(List.of("text", 1, 2.5, new int[] {1, 2}.length));
        p.send(from.createObjectMessage(object));
        equal("object", ((ObjectMessage) take(c)).getObject(), object);
        p.send(from.createMessage());
        Message plain = take(c);
        check(!(plain instanceof TextMessage) && !(plain instanceof BytesMessage), "a plain message came as " + plain.getClass());
        for (Message empty : List.of(from.createBytesMessage(), from.createMapMessage(), from.createStreamMessage(), from.createObjectMessage(), from.createTextMessage())) {
            p.send(empty);
            Message got = take(c);
            equal("kind of an empty message", got.getClass(), empty.getClass());
            if (got instanceof BytesMessage x) {
                equal("length", x.getBodyLength(), 0L);
            } else if (got instanceof MapMessage x) {
                check(!x.getMapNames().hasMoreElements(), "an empty map has names");
            } else if (got instanceof ObjectMessage x) {
                equal("object", x.getObject(), null);
            } else if (got instanceof StreamMessage x) {
                fails(MessageEOFException.class, ".*", x::readInt);
            }
        }
        p.close();
        c.close();
    }

    @Scenario(name = "body/each-kind", ref = "text, bytes, map, stream, object and plain messages come out as they were sent, empty ones included")
    static void kinds(Env e) throws Exception {
        eachKind(e, e.session(), e.session(), false);
    }

    @Scenario(name = "body/each-kind-nonpersistent", ref = "the same for non-persistent messages sent asynchronously")
    static void kindsAsync(Env e) throws Exception {
        Session from = e.session("jms.useAsyncSend=true");
        eachKind(e, from, e.session(), false);
    }

    @Scenario(name = "body/compressed", ref = "messages of every kind that the sender compresses come out as they were sent, and still compressed on the wire")
    static void compressed(Env e) throws Exception {
        eachKind(e, e.session("jms.useCompression=true"), e.session(), true);
    }

    @Scenario(name = "body/topic", ref = "every kind goes over topics as well")
    static void overTopic(Env e) throws Exception {
        Session s = e.session();
        MessageConsumer one = s.createConsumer(e.topic());
        MessageConsumer two = e.session().createConsumer(e.topic());
        javax.jms.MessageProducer p = s.createProducer(e.topic());
        p.send(mapOfAllTypes(s));
        p.send(streamOfAllTypes(s));
        p.send(bytesOfAllTypes(s));
        for (MessageConsumer c : List.of(one, two)) {
            wantAllTypes((MapMessage) take(c));
            wantAllTypes((StreamMessage) take(c));
            wantAllTypes((BytesMessage) take(c));
        }
    }

    @Scenario(name = "body/object-opaque", ref = "an object whose class the broker cannot know is relayed as bytes")
    static void opaque(Env e) throws Exception {
        Session s = e.session();
        ObjectMessage m = s.createObjectMessage(new Custom(7));
        equal("object", ((Custom) ((ObjectMessage) Messages.pass(e, s, m)).getObject()).n, 7);
    }

    private static final class Custom implements java.io.Serializable {
        private static final long serialVersionUID = 1;
        final int n;

        Custom(int n) {
            this.n = n;
        }
    }

    @Scenario(name = "body/blob", ref = "a blob message carries its URL and its type")
    static void blob(Env e) throws Exception {
        ActiveMQSession s = (ActiveMQSession) e.session();
        BlobMessage m = s.createBlobMessage(new URL("http://localhost:1/file"));
        m.setMimeType("text/plain");
        BlobMessage got = (BlobMessage) Messages.pass(e, s, m);
        equal("URL", got.getURL(), new URL("http://localhost:1/file"));
        equal("type", got.getMimeType(), "text/plain");
    }

    static byte[] noise(int n) {
        byte[] data = new byte[n];
        new Random(1).nextBytes(data);
        return data;
    }

    @Scenario(name = "body/10-megabytes", ref = "a message of 10 MB comes out whole, persistent or not, text or bytes")
    static void large(Env e) throws Exception {
        Session s = e.session();
        byte[] data = noise(10 << 20);
        BytesMessage m = s.createBytesMessage();
        m.writeBytes(data);
        equal("bytes", bytes(Messages.pass(e, s, m)), data);
        String text = "0123456789".repeat(1 << 20);
        equal("text", text(Messages.pass(e, s, s.createTextMessage(text))), text);
        MessageConsumer c = s.createConsumer(e.queue());
        s.createProducer(e.queue()).send(m, DeliveryMode.NON_PERSISTENT, 4, 0);
        equal("bytes", bytes(take(c)), data);
    }

    @Scenario(name = "body/10-megabytes-waiting", ref = "three of them wait in a queue until somebody comes")
    static void largeWaiting(Env e) throws Exception {
        Session s = e.session();
        byte[] data = noise(10 << 20);
        BytesMessage m = s.createBytesMessage();
        m.writeBytes(data);
        for (int i = 0; i < 3; i++) {
            s.createProducer(e.queue()).send(m);
        }
        MessageConsumer c = e.session().createConsumer(e.queue());
        for (int i = 0; i < 3; i++) {
            equal("bytes", bytes(take(c)), data);
        }
    }

    @Scenario(name = "body/10-megabytes-compressed", ref = "compressed messages that inflate to 20 MB come out whole")
    static void largeCompressed(Env e) throws Exception {
        Session s = e.session("jms.useCompression=true");
        String text = "0123456789".repeat(2 << 20);
        equal("text", text(Messages.pass(e, s, s.createTextMessage(text))), text);
    }

    @Scenario(name = "body/mixed-sizes", ref = "messages of all sizes up to a megabyte keep their order and content")
    static void sizes(Env e) throws Exception {
        Session s = e.session();
        MessageConsumer c = s.createConsumer(e.queue());
        javax.jms.MessageProducer p = e.session().createProducer(e.queue());
        List<Integer> sizes = new ArrayList<>();
        for (int n = 1; n <= 1 << 20; n *= 2) {
            sizes.add(n - 1);
            sizes.add(n);
            sizes.add(n + 1);
        }
        for (int n : sizes) {
            BytesMessage m = s.createBytesMessage();
            m.writeBytes(noise(n));
            p.send(m, DeliveryMode.PERSISTENT, 4, 0);
        }
        for (int n : sizes) {
            equal("bytes", bytes(take(c)), noise(n));
        }
    }
}

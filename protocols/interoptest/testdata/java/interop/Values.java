package interop;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Enumeration;
import java.util.HexFormat;
import java.util.List;
import javax.jms.BytesMessage;
import javax.jms.DeliveryMode;
import javax.jms.Destination;
import javax.jms.JMSException;
import javax.jms.MapMessage;
import javax.jms.Message;
import javax.jms.MessageEOFException;
import javax.jms.ObjectMessage;
import javax.jms.StreamMessage;
import javax.jms.TextMessage;
import org.apache.activemq.command.ActiveMQDestination;
import org.apache.activemq.command.ActiveMQMessage;

/** Values as text, and what a message looks like. */
final class Values {
    private Values() {}

    static byte[] unhex(String text) {
        return HexFormat.of().parseHex(text);
    }

    static Object parse(String type, String text) {
        return switch (type) {
            case "bool" -> Boolean.valueOf(text);
            case "byte" -> Byte.valueOf(text);
            case "short" -> Short.valueOf(text);
            case "int" -> Integer.valueOf(text);
            case "long" -> Long.valueOf(text);
            case "float" -> Float.valueOf(text);
            case "double" -> Double.valueOf(text);
            case "bytes" -> unhex(text);
            default -> text;
        };
    }

    /** A value with its type. */
    private static String show(Object value) {
        if (value instanceof byte[] b) {
            return HexFormat.of().formatHex(b) + " (bytes)";
        }
        return value == null ? "null" : value + " (" + value.getClass().getSimpleName() + ")";
    }

    /** Tells of a message: its body, what else there is as facts, and what tests ask for by name. */
    static void describe(Message m, Form out) throws JMSException {
        List<String> body = new ArrayList<>();
        String kind = "";
        if (m instanceof TextMessage t) {
            out.add("text", String.valueOf(t.getText()));
            body.add("TextMessage `" + t.getText() + "`");
        } else if (m instanceof BytesMessage b) {
            byte[] all = new byte[(int) b.getBodyLength()];
            b.readBytes(all);
            out.add("hex", HexFormat.of().formatHex(all));
            body.add("BytesMessage `" + HexFormat.of().formatHex(all) + "`");
        } else if (m instanceof MapMessage map) {
            List<String> names = Collections.list((Enumeration<String>) map.getMapNames());
            Collections.sort(names);
            for (String name : names) {
                body.add("`" + name + "`=" + show(map.getObject(name)));
            }
            kind = "MapMessage ";
        } else if (m instanceof StreamMessage s) {
            try {
                while (true) {
                    body.add(show(s.readObject()));
                }
            } catch (MessageEOFException end) {
                kind = "StreamMessage ";
            }
        } else if (m instanceof ObjectMessage o) {
            body.add("ObjectMessage " + show(o.getObject()));
        } else {
            body.add("Message");
        }
        out.add("body", kind + String.join(", ", body));
        facts(m, out);
    }

    private static void facts(Message m, Form out) throws JMSException {
        fact(out, "JMSCorrelationID", m.getJMSCorrelationID());
        fact(out, "JMSReplyTo", name(m.getJMSReplyTo()));
        fact(out, "JMSType", m.getJMSType());
        fact(out, "JMSXUserID", ((ActiveMQMessage) m).getUserID());
        fact(out, "JMSXGroupID", ((ActiveMQMessage) m).getGroupID());
        out.add("correlation", String.valueOf(m.getJMSCorrelationID()));
        out.add("replyTo", name(m.getJMSReplyTo()));
        out.add("destination", name(m.getJMSDestination()));
        out.add("redelivered", Boolean.toString(m.getJMSRedelivered()));
        out.add("count", Integer.toString(m.getIntProperty("JMSXDeliveryCount")));
        out.add("expiration", Long.toString(m.getJMSExpiration()));
        out.add("timestamp", Long.toString(m.getJMSTimestamp()));
        out.add("group", String.valueOf(((ActiveMQMessage) m).getGroupID()));
        if (((ActiveMQMessage) m).getGroupSequence() != 0) {
            out.add("f", "JMSXGroupSeq " + ((ActiveMQMessage) m).getGroupSequence());
        }
        if (m.getJMSDeliveryMode() == DeliveryMode.PERSISTENT) {
            out.add("f", "persistent");
        }
        if (m.getJMSPriority() != 4) {
            out.add("f", "priority " + m.getJMSPriority());
        }
        if (m.getJMSRedelivered()) {
            out.add("f", "redelivered");
        }
        for (String name : Collections.list((Enumeration<String>) m.getPropertyNames())) {
            if (!name.startsWith("JMSX")) {
                out.add("f", "property `" + name + "`=" + show(m.getObjectProperty(name)));
                out.add("property", name + "=" + m.getObjectProperty(name));
            }
        }
        if (m.getBooleanProperty("JMSXGroupFirstForConsumer")) {
            out.add("property", "JMSXGroupFirstForConsumer=true");
        }
    }

    private static void fact(Form out, String name, String value) {
        if (value != null && !value.isEmpty()) {
            out.add("f", name + " `" + value + "`");
        }
    }

    private static String name(Destination d) {
        return d == null ? "" : ((ActiveMQDestination) d).getQualifiedName();
    }
}

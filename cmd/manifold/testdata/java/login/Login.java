import javax.jms.Connection;
import javax.jms.Destination;
import javax.jms.JMSException;
import javax.jms.MessageConsumer;
import javax.jms.Session;
import org.apache.activemq.ActiveMQConnectionFactory;

/** Logs in and uses queues, once for each four arguments after the URL, and prints what comes of it on one line each. */
public final class Login {
    private Login() {
    }

    /** Arguments: the URL, and then user, password, "send" or "receive", and a queue; "-" stands for no user or no password. */
    public static void main(String[] args) {
        for (int i = 1; i + 3 < args.length; i += 4) {
            System.out.println(attempt(args[0], none(args[i]), none(args[i + 1]), args[i + 2], args[i + 3]));
        }
    }

    private static String none(String s) {
        return s.equals("-") ? null : s;
    }

    private static String attempt(String url, String user, String password, String what, String queue) {
        ActiveMQConnectionFactory factory = new ActiveMQConnectionFactory(url + "?jms.watchTopicAdvisories=false");
        Connection c = null;
        try {
            c = factory.createConnection(user, password);
            c.start();
            Session s = c.createSession(false, Session.AUTO_ACKNOWLEDGE);
            Destination d = s.createQueue(queue);
            if (what.equals("send")) {
                s.createProducer(d).send(s.createTextMessage("x"));
                return "sent";
            }
            MessageConsumer consumer = s.createConsumer(d);
            consumer.close();
            return "received";
        } catch (JMSException e) {
            return e.getClass().getSimpleName() + ": " + e.getMessage();
        } finally {
            if (c != null) {
                try {
                    c.close();
                } catch (JMSException e) {
                    // the answer is known already
                }
            }
        }
    }
}

import java.lang.reflect.Proxy;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import javax.naming.Context;
import javax.naming.NameNotFoundException;
import org.apache.activemq.ActiveMQConnectionFactory;
import org.apache.activemq.command.ActiveMQQueue;
import org.apache.activemq.command.ActiveMQTopic;
import org.objectweb.jtests.jms.admin.Admin;

/** What the JORAM tests ask of a provider, for the broker that the property "url" names, which runs already. */
public final class JoramAdmin implements Admin {
    private static final Map<String, Object> NAMES = new ConcurrentHashMap<>();

    @Override
    public String getName() {
        return "broker by URL";
    }

    @Override
    public Context createContext() {
        return (Context) Proxy.newProxyInstance(JoramAdmin.class.getClassLoader(), new Class<?>[] {Context.class}, (proxy, method, args) -> {
            if (!method.getName().equals("lookup")) {
                return null;
            }
            Object found = NAMES.get(String.valueOf(args[0]));
            if (found == null) {
                throw new NameNotFoundException(String.valueOf(args[0]));
            }
            return found;
        });
    }

    @Override
    public void createConnectionFactory(String name) {
        ActiveMQConnectionFactory f = new ActiveMQConnectionFactory(System.getProperty("url"));
        f.setNestedMapAndListEnabled(false); // as JMS wants it, and ActiveMQ's own run of these tests has it
        f.setTrustAllPackages(true);
        NAMES.put(name, f);
    }

    @Override
    public void createQueueConnectionFactory(String name) {
        createConnectionFactory(name);
    }

    @Override
    public void createTopicConnectionFactory(String name) {
        createConnectionFactory(name);
    }

    /** Every creation gets a destination of its own, so that a test does not find what another left. */
    private static String fresh(String name) {
        return name + "." + Long.toString(System.nanoTime(), 36);
    }

    @Override
    public void createQueue(String name) {
        NAMES.put(name, new ActiveMQQueue(fresh(name)));
    }

    @Override
    public void createTopic(String name) {
        NAMES.put(name, new ActiveMQTopic(fresh(name)));
    }

    @Override
    public void deleteQueue(String name) {
        NAMES.remove(name);
    }

    @Override
    public void deleteTopic(String name) {
        NAMES.remove(name);
    }

    @Override
    public void deleteConnectionFactory(String name) {
        NAMES.remove(name);
    }

    @Override
    public void deleteQueueConnectionFactory(String name) {
        NAMES.remove(name);
    }

    @Override
    public void deleteTopicConnectionFactory(String name) {
        NAMES.remove(name);
    }

    @Override
    public void startServer() {
        // It runs.
    }

    @Override
    public void stopServer() {
        // It goes on.
    }

    @Override
    public void start() {
        // Nothing to prepare.
    }

    @Override
    public void stop() {
        // Nothing to clean up.
    }
}

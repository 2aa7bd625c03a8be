import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.apache.activemq.broker.BrokerService;
import org.jolokia.backend.BackendManager;
import org.jolokia.config.ConfigKey;
import org.jolokia.config.Configuration;
import org.jolokia.http.HttpRequestHandler;
import org.jolokia.restrictor.AllowAllRestrictor;
import org.jolokia.util.LogHandler;
import org.json.simple.JSONAware;

/** ActiveMQ with Jolokia's agent, as its own web server has it: prints its port, and ends with its input. */
public class Reference {
    public static void main(String[] args) throws Exception {
        BrokerService broker = new BrokerService();
        broker.setBrokerName("localhost");
        broker.setDataDirectory(args[0]);
        broker.setSchedulerSupport(true);
        broker.getManagementContext().setCreateConnector(false);
        broker.addConnector("stomp://127.0.0.1:0").setName("stomp");
        broker.start();
        broker.waitUntilStarted();
        LogHandler log = new LogHandler() {
            public void debug(String message) {}
            public void info(String message) {}
            public boolean isDebug() { return false; }
            public void error(String message, Throwable cause) {}
        };
        Configuration settings = new Configuration(ConfigKey.AGENT_ID, "reference");
        HttpRequestHandler agent = new HttpRequestHandler(settings, new BackendManager(settings, log, new AllowAllRestrictor()), log);
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.createContext("/api/jolokia", exchange -> {
            JSONAware answer;
            try {
                String url = exchange.getRequestURI().toString();
                String path = URLDecoder.decode(exchange.getRequestURI().getRawPath().replace("+", "%2B"), "UTF-8").substring("/api/jolokia".length());
                Map<String, String[]> options = new HashMap<>();
                String query = exchange.getRequestURI().getQuery();
                for (String option : query == null ? new String[0] : query.split("&")) {
                    String[] pair = option.split("=", 2);
                    options.put(pair[0], new String[] {pair[1]});
                }
                answer = exchange.getRequestMethod().equals("GET") ? agent.handleGetRequest(url, path, options)
                    : agent.handlePostRequest(url, exchange.getRequestBody(), "UTF-8", options);
            } catch (Throwable e) {
                answer = agent.handleThrowable(e);
            }
            byte[] body = answer.toJSONString().getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
        System.out.println(server.getAddress().getPort());
        System.in.read();
        System.exit(0);
    }
}

package jmstest;

import java.util.HashMap;
import java.util.Map;

/** A broker to run against, and settings of the run, from arguments of the form key=value. */
final class Target {
    final String url; // tcp://host:port or ssl://host:port
    final String user;
    final String password;
    private final Map<String, String> settings;
    private Tls tls;

    private Target(Map<String, String> settings) {
        this.settings = settings;
        url = settings.get("url");
        user = settings.get("user");
        password = settings.get("password");
    }

    static Target parse(String[] args) {
        Map<String, String> settings = new HashMap<>();
        for (int i = 1; i < args.length; i++) {
            int at = args[i].indexOf('=');
            if (at < 0) {
                throw new IllegalArgumentException(args[i]);
            }
            settings.put(args[i].substring(0, at), args[i].substring(at + 1));
        }
        return new Target(settings);
    }

    String get(String key, String otherwise) {
        return settings.getOrDefault(key, otherwise);
    }

    /** The client's keys, which take long to read and are the same for all connections. */
    synchronized Tls tls() throws Exception {
        if (tls == null) {
            tls = new Tls(this);
        }
        return tls;
    }

    boolean activemq() {
        return get("peer", "").equals("activemq");
    }

    String scheme() {
        return url.substring(0, url.indexOf(':'));
    }

    String host() {
        return url.substring(url.indexOf("//") + 2, url.lastIndexOf(':'));
    }

    int port() {
        return Integer.parseInt(url.substring(url.lastIndexOf(':') + 1));
    }
}

package interop;

import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Names with values, as HTML forms are encoded. */
final class Form {
    private final Map<String, List<String>> values = new LinkedHashMap<>();

    Form() {}

    Form(String text) {
        for (String pair : text.split("&")) {
            int at = pair.indexOf('=');
            if (at > 0) {
                add(decode(pair.substring(0, at)), decode(pair.substring(at + 1)));
            }
        }
    }

    private static String decode(String text) {
        return URLDecoder.decode(text, StandardCharsets.UTF_8);
    }

    void add(String name, String value) {
        values.computeIfAbsent(name, k -> new ArrayList<>()).add(value);
    }

    boolean has(String name) {
        return values.containsKey(name);
    }

    boolean is(String name) {
        return "true".equals(get(name));
    }

    String get(String name) {
        List<String> list = values.get(name);
        return list == null ? "" : list.get(0);
    }

    int number(String name, int otherwise) {
        return has(name) ? Integer.parseInt(get(name)) : otherwise;
    }

    List<String> all(String name) {
        return values.getOrDefault(name, List.of());
    }

    @Override
    public String toString() {
        StringBuilder b = new StringBuilder();
        values.forEach((name, list) -> list.forEach(value -> {
            if (b.length() > 0) {
                b.append('&');
            }
            b.append(URLEncoder.encode(name, StandardCharsets.UTF_8)).append('=').append(URLEncoder.encode(value, StandardCharsets.UTF_8));
        }));
        return b.toString();
    }
}

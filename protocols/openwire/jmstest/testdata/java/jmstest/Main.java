package jmstest;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;

/**
 * Runs scenarios against a broker and prints one line for each: PASS, SKIP or FAIL, the name, and why.
 *
 * <pre>
 * Main list                       prints the table
 * Main keystore key=value...      makes a key store of PEM files
 * Main run key=value...           runs what the key "only", an expression, matches
 * </pre>
 */
public final class Main {
    private static final int LIMIT_SECONDS = 120;

    private static final List<Class<?>> AREAS = List.of(
            Messages.class, Properties.class, Bodies.class, Acks.class, Redelivery.class, Transactions.class, Xa.class, Temporary.class,
            Durable.class, Topics.class, Virtual.class, Queues.class, Browsing.class, Groups.class, Prefetch.class,
            Destinations.class, Selectors.class, Producers.class, Expiry.class, Wire.class, Errors.class,
            Advisories.class, Advised.class, Access.class, Failover.class, Scheduling.class);

    private record Case(Scenario scenario, Method method) {}

    private static List<Case> cases() {
        List<Case> list = new ArrayList<>();
        for (Class<?> area : AREAS) {
            List<Case> of = new ArrayList<>();
            for (Method m : area.getDeclaredMethods()) {
                Scenario s = m.getAnnotation(Scenario.class);
                if (s != null) {
                    m.setAccessible(true);
                    of.add(new Case(s, m));
                }
            }
            of.sort(Comparator.comparing(c -> c.scenario.name()));
            list.addAll(of);
        }
        return list;
    }

    public static void main(String[] args) throws Exception {
        if (args.length == 1 && args[0].equals("list")) {
            for (Case c : cases()) {
                Scenario s = c.scenario;
                System.out.println(String.join("\t", s.name(), s.ref(), s.activemq(), s.why(), s.later()));
            }
            return;
        }
        Target target = Target.parse(args);
        if (args[0].equals("keystore")) {
            Tls.write(target);
            return;
        }
        Pattern only = Pattern.compile(target.get("only", ""));
        ExecutorService pool = Executors.newFixedThreadPool(Integer.parseInt(target.get("parallel", "6")), r -> daemon(r));
        ExecutorService bodies = Executors.newCachedThreadPool(r -> daemon(r));
        List<Future<?>> running = new ArrayList<>();
        for (Case c : cases()) {
            if (only.matcher(c.scenario.name()).find()) {
                running.add(pool.submit(() -> run(target, c, bodies)));
            }
        }
        for (Future<?> f : running) {
            f.get();
        }
        System.out.println("END " + running.size());
        System.out.flush();
        System.exit(0); // what a scenario left behind does not keep the process
    }

    private static Thread daemon(Runnable r) {
        Thread t = new Thread(r);
        t.setDaemon(true);
        return t;
    }

    private static void run(Target target, Case c, ExecutorService bodies) {
        Scenario s = c.scenario;
        if (s.login() && target.user == null) {
            say("SKIP", s.name(), 0, "the target asks for no password");
            return;
        }
        if (!s.later().isEmpty() && !target.activemq() && target.get("later", "").isEmpty()) {
            say("SKIP", s.name(), 0, s.later());
            return;
        }
        long begin = System.nanoTime();
        Env e = new Env(target, s);
        Future<?> body = bodies.submit(() -> {
            c.method.invoke(null, e);
            return null;
        });
        Throwable failure = null;
        try {
            body.get(LIMIT_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException x) {
            failure = x.getCause() instanceof InvocationTargetException i ? i.getCause() : x.getCause();
        } catch (TimeoutException x) {
            failure = new AssertionError("not within " + LIMIT_SECONDS + " seconds; it waits at " + e.where());
            body.cancel(true);
        } catch (InterruptedException x) {
            failure = x;
        }
        long ms = (System.nanoTime() - begin) / 1_000_000;
        // What is closed may hang with a broker that does not answer.
        Future<?> closing = bodies.submit(e::close);
        try {
            closing.get(10, TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException | InterruptedException x) {
            if (failure == null) {
                failure = new AssertionError("closing the scenario's connections: " + x);
            }
        }
        say(failure == null ? "PASS" : "FAIL", s.name(), ms, failure == null ? "" : describe(failure));
    }

    private static synchronized void say(String verdict, String name, long ms, String why) {
        System.out.println(verdict + " " + name + " " + ms + " " + why.replace("\\", "\\\\").replace("\n", "\\n"));
        System.out.flush();
    }

    private static String describe(Throwable t) {
        StringWriter w = new StringWriter();
        t.printStackTrace(new PrintWriter(w, true));
        String text = w.toString();
        return text.length() > 3000 ? text.substring(0, 3000) : text;
    }
}

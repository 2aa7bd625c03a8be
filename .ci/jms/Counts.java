import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import junit.framework.TestCase;
import junit.framework.TestFailure;
import junit.framework.TestResult;
import junit.framework.TestSuite;

/** Runs the JUnit 3 tests among the classes of a folder, and prints for each class how many passed of how many. */
public final class Counts {
    private Counts() {}

    public static void main(String[] args) throws Exception {
        Path root = Path.of(args[0]);
        List<String> names;
        try (Stream<Path> files = Files.walk(root)) {
            names = files.map(f -> root.relativize(f).toString()).filter(f -> f.endsWith("Test.class")).map(f -> f.replace('/', '.').substring(0, f.length() - 6)).sorted().collect(Collectors.toList());
        }
        for (String name : names) {
            Class<?> type = Class.forName(name);
            if (!TestCase.class.isAssignableFrom(type) || Modifier.isAbstract(type.getModifiers())) {
                continue;
            }
            TestResult result = new TestResult();
            new TestSuite(type.asSubclass(TestCase.class)).run(result);
            int bad = result.failureCount() + result.errorCount();
            System.out.println(name + " " + (result.runCount() - bad) + " " + result.runCount());
            for (TestFailure f : Collections.list(result.failures())) {
                System.err.println("FAILED " + f);
            }
            for (TestFailure f : Collections.list(result.errors())) {
                System.err.println("ERROR " + f);
            }
        }
        System.exit(0);
    }
}

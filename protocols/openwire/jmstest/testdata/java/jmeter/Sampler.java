package jmeter;

import java.io.File;
import java.util.ArrayList;
import java.util.List;
import org.apache.jmeter.protocol.jms.sampler.BaseJMSSampler;
import org.apache.jmeter.protocol.jms.sampler.PublisherSampler;
import org.apache.jmeter.protocol.jms.sampler.SubscriberSampler;
import org.apache.jmeter.samplers.SampleResult;
import org.apache.jmeter.util.JMeterUtils;

/**
 * JMeter's JMS publisher and subscriber as they are, with the settings that a test plan would give them. The plan is made
 * here, since the JMeter that Debian 12 ships cannot read any plan from a file. Prints DONE, or fails.
 */
public final class Sampler {
    private static final int MESSAGES = 50;

    private Sampler() {}

    public static void main(String[] args) throws Exception {
        try {
            run(args[0], args[1]);
        } catch (Throwable x) {
            x.printStackTrace();
            System.exit(1);
        }
        System.out.println("DONE");
        System.out.flush();
        System.exit(0);
    }

    private static void settings(BaseJMSSampler s, String url, String destination) {
        s.setProperty("jms.jndi_properties", "false");
        s.setProperty("jms.initial_context_factory", "org.apache.activemq.jndi.ActiveMQInitialContextFactory");
        s.setProperty("jms.provider_url", url);
        s.setProperty("jms.connection_factory", "ConnectionFactory");
        s.setProperty("jms.topic", destination);
        s.setProperty("jms.iterations", "1");
        s.setProperty("jms.read_response", "true");
        s.setProperty("jms.authenticate", "false");
        s.setName("sampler");
    }

    private static void run(String url, String directory) throws Exception {
        File properties = new File(directory, "jmeter.properties");
        java.nio.file.Files.writeString(properties.toPath(), "log_level.jmeter=WARN\n");
        JMeterUtils.loadJMeterProperties(properties.getPath());
        JMeterUtils.initLocale();
        for (String destination : List.of("dynamicQueues/jmeter.queue", "dynamicTopics/jmeter.topic")) {
            for (String choice : List.of("jms_subscriber_receive", "jms_subscriber_on_message")) {
                exchange(url, destination, choice);
            }
        }
    }

    private static void exchange(String url, String destination, String choice) throws Exception {
        SubscriberSampler in = new SubscriberSampler();
        settings(in, url, destination);
        in.setProperty("jms.client_choice", choice);
        in.setProperty("jms.timeout", "30000");
        in.threadStarted();
        PublisherSampler out = new PublisherSampler();
        settings(out, url, destination);
        out.setProperty("jms.text_message", "a message of JMeter");
        out.setProperty("jms.config_choice", "jms_use_text");
        out.setProperty("jms.config_msg_type", "jms_text_message");
        List<SampleResult> results = new ArrayList<>();
        for (int i = 0; i < MESSAGES; i++) {
            results.add(out.sample(null));
            results.add(in.sample(null));
        }
        out.testEnded();
        in.threadFinished();
        for (SampleResult r : results) {
            if (!r.isSuccessful()) {
                throw new AssertionError(destination + " " + choice + ": " + r.getResponseCode() + " " + r.getResponseMessage());
            }
        }
        String text = results.get(1).getResponseDataAsString();
        if (!text.contains("a message of JMeter")) {
            throw new AssertionError(destination + " " + choice + " gave " + text);
        }
    }
}

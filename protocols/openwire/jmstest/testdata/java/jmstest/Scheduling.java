package jmstest;

import static jmstest.Env.*;

import java.util.HashSet;
import java.util.Set;
import javax.jms.JMSException;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.MessageFormatException;
import javax.jms.Session;
import javax.jms.TemporaryQueue;
import javax.jms.TextMessage;
import org.apache.activemq.ScheduledMessage;
import org.apache.activemq.command.ActiveMQTopic;

/** Scheduled messages. */
final class Scheduling {
    private Scheduling() {}

    static void send(Env e, Session s, String text, long delay, long period, int repeat) throws JMSException {
        TextMessage m = s.createTextMessage(text);
        m.setLongProperty(ScheduledMessage.AMQ_SCHEDULED_DELAY, delay);
        if (repeat > 0) {
            m.setLongProperty(ScheduledMessage.AMQ_SCHEDULED_PERIOD, period);
            m.setIntProperty(ScheduledMessage.AMQ_SCHEDULED_REPEAT, repeat);
        }
        m.setStringProperty("kept", "yes");
        s.createProducer(e.queue()).send(m);
    }

    @Scenario(name = "schedule/delay", ref = "AMQ_SCHEDULED_DELAY holds a message back; it comes without the schedule and with scheduledJobId")
    static void delay(Env e) throws Exception {
        Session s = e.session();
        MessageConsumer c = s.createConsumer(e.queue());
        long begin = System.currentTimeMillis();
        send(e, s, "later", 1000, 0, 0);
        put(s, e.queue(), "now");
        wantTexts(c, "now");
        Message m = take(c);
        equal("text", text(m), "later");
        check(System.currentTimeMillis() - begin >= 950, "too early");
        equal("kept", m.getStringProperty("kept"), "yes");
        check(m.getStringProperty("scheduledJobId") != null, "no scheduledJobId");
        check(!m.propertyExists(ScheduledMessage.AMQ_SCHEDULED_DELAY), "the delay is still there");
        quiet(c);
    }

    @Scenario(name = "schedule/repeat", ref = "AMQ_SCHEDULED_REPEAT n delivers n times more, each under an id of its own")
    static void repeat(Env e) throws Exception {
        Session s = e.session();
        MessageConsumer c = s.createConsumer(e.queue());
        send(e, s, "again", 100, 200, 2);
        Set<String> ids = new HashSet<>();
        for (int i = 0; i < 3; i++) {
            Message m = take(c);
            equal("text", text(m), "again");
            ids.add(m.getJMSMessageID());
        }
        equal("ids", ids.size(), 3);
        equal("message", c.receive(600), null);
    }

    @Scenario(name = "schedule/transaction", ref = "in a transaction nothing is scheduled unless it commits")
    static void transaction(Env e) throws Exception {
        Session tx = transacted(e.connect());
        MessageConsumer c = e.session().createConsumer(e.queue());
        send(e, tx, "vanishes", 50, 0, 0);
        tx.rollback();
        send(e, tx, "comes", 100, 0, 0);
        quiet(c);
        tx.commit();
        wantTexts(c, "comes");
        quiet(c);
    }

    @Scenario(name = "schedule/browse-and-remove", ref = "ActiveMQ.Scheduler.Management lists what is scheduled to the reply address, and removes it by its job id")
    static void manage(Env e) throws Exception {
        Session s = e.session();
        send(e, s, "never " + e.unique, 600_000, 0, 0);
        TemporaryQueue reply = s.createTemporaryQueue();
        MessageConsumer answers = s.createConsumer(reply);
        ActiveMQTopic management = new ActiveMQTopic(ScheduledMessage.AMQ_SCHEDULER_MANAGEMENT_DESTINATION);
        Message ask = s.createMessage();
        ask.setStringProperty(ScheduledMessage.AMQ_SCHEDULER_ACTION, ScheduledMessage.AMQ_SCHEDULER_ACTION_BROWSE);
        ask.setJMSReplyTo(reply);
        s.createProducer(management).send(ask);
        Message job = take(answers);
        while (!text(job).equals("never " + e.unique)) {
            job = take(answers);
        }
        String id = job.getStringProperty("scheduledJobId");
        check(id != null, "no scheduledJobId");
        Message remove = s.createMessage();
        remove.setStringProperty(ScheduledMessage.AMQ_SCHEDULER_ACTION, ScheduledMessage.AMQ_SCHEDULER_ACTION_REMOVE);
        remove.setStringProperty("scheduledJobId", id);
        s.createProducer(management).send(remove);
        while (answers.receive(QUIET) != null) {
            continue;
        }
        s.createProducer(management).send(ask);
        for (Message m = answers.receive(1000); m != null; m = answers.receive(QUIET)) {
            check(!text(m).equals("never " + e.unique), "it is still scheduled");
        }
    }

    @Scenario(name = "schedule/refused", ref = "a negative repeat is refused by the client, a repeat beyond the limit by the broker")
    static void refused(Env e) throws Exception {
        Session s = e.session();
        TextMessage m = s.createTextMessage("x");
        fails(MessageFormatException.class, ".*", () -> m.setIntProperty(ScheduledMessage.AMQ_SCHEDULED_REPEAT, -1));
        TextMessage many = s.createTextMessage("x");
        many.setLongProperty(ScheduledMessage.AMQ_SCHEDULED_DELAY, 10);
        many.setIntProperty(ScheduledMessage.AMQ_SCHEDULED_REPEAT, 100_000);
        fails(MessageFormatException.class, ".*repeat value is too large.*", () -> s.createProducer(e.queue()).send(many));
    }
}

package jmstest;

import static jmstest.Env.*;

import javax.jms.DeliveryMode;
import javax.jms.InvalidDestinationException;
import javax.jms.JMSException;
import javax.jms.Message;
import javax.jms.MessageConsumer;
import javax.jms.MessageProducer;
import javax.jms.Session;
import javax.jms.TextMessage;
import org.apache.activemq.ActiveMQConnection;
import org.apache.activemq.command.ActiveMQTopic;

/** Durable subscriptions. */
final class Durable {
    private Durable() {}

    static MessageConsumer subscribe(ActiveMQConnection c, javax.jms.Topic t) throws JMSException {
        return Env.auto(c).createDurableSubscriber(t, "sub");
    }

    static void putColour(Session s, javax.jms.Destination d, String colour) throws JMSException {
        TextMessage m = s.createTextMessage(colour);
        m.setStringProperty("colour", colour);
        s.createProducer(d).send(m);
    }

    @Scenario(name = "durable/offline", ref = "a durable subscription collects while its subscriber is away, and goes on where it was")
    static void offline(Env e) throws Exception {
        ActiveMQConnection c = e.connectAs(e.unique);
        Session s = e.session();
        MessageConsumer sub = subscribe(c, e.topic());
        putAll(s, e.topic(), "1", "2");
        wantTexts(sub, "1", "2");
        c.close();
        putAll(s, e.topic(), "3", "4");
        c = e.connectAs(e.unique);
        sub = subscribe(c, e.topic());
        wantTexts(sub, "3");
        c.close();
        putAll(s, e.topic(), "5");
        sub = subscribe(e.connectAs(e.unique), e.topic());
        wantTexts(sub, "4", "5");
        quiet(sub);
    }

    @Scenario(name = "durable/consumer-closed", ref = "closing the consumer alone leaves the subscription collecting")
    static void consumerClosed(Env e) throws Exception {
        ActiveMQConnection c = e.connectAs(e.unique);
        subscribe(c, e.topic()).close();
        putAll(e.session(), e.topic(), "1", "2");
        wantTexts(subscribe(c, e.topic()), "1", "2");
    }

    @Scenario(name = "durable/non-persistent", ref = "non-persistent messages are kept for an absent subscriber while the broker lives")
    static void nonPersistent(Env e) throws Exception {
        ActiveMQConnection c = e.connectAs(e.unique);
        subscribe(c, e.topic()).close();
        putNumbers(e.session(), e.topic(), 10);
        wantNumbers(subscribe(c, e.topic()), 0, 10);
    }

    @Scenario(name = "durable/selector", ref = "a subscription collects only what its selector matches, and says the rest is done")
    static void selector(Env e) throws Exception {
        ActiveMQConnection c = e.connectAs(e.unique);
        Session s = Env.auto(c);
        s.createDurableSubscriber(e.topic(), "sub", "colour = 'red'", false).close();
        Session other = e.session();
        for (String colour : new String[] {"blue", "red", "green", "red"}) {
            putColour(other, e.topic(), colour);
        }
        MessageConsumer sub = s.createDurableSubscriber(e.topic(), "sub", "colour = 'red'", false);
        wantTexts(sub, "red", "red");
        quiet(sub);
    }

    @Scenario(name = "durable/selector-changed", ref = "subscribing again with another selector starts the subscription anew, without what it had collected")
    static void selectorChanged(Env e) throws Exception {
        ActiveMQConnection c = e.connectAs(e.unique);
        Session s = Env.auto(c);
        Session other = e.session();
        s.createDurableSubscriber(e.topic(), "sub", "colour = 'red'", false).close();
        putColour(other, e.topic(), "red");
        MessageConsumer sub = s.createDurableSubscriber(e.topic(), "sub", "colour = 'blue'", false);
        quiet(sub);
        putColour(other, e.topic(), "red");
        putColour(other, e.topic(), "blue");
        wantTexts(sub, "blue");
        quiet(sub);
    }

    @Scenario(name = "durable/topic-changed", ref = "subscribing again to another topic starts anew there")
    static void topicChanged(Env e) throws Exception {
        ActiveMQConnection c = e.connectAs(e.unique);
        Session other = e.session();
        subscribe(c, e.topic(".a")).close();
        put(other, e.topic(".a"), "a");
        MessageConsumer sub = subscribe(c, e.topic(".b"));
        put(other, e.topic(".a"), "a2");
        put(other, e.topic(".b"), "b");
        wantTexts(sub, "b");
        quiet(sub);
    }

    @Scenario(name = "durable/unsubscribe", ref = "unsubscribing ends the subscription with what it holds")
    static void unsubscribe(Env e) throws Exception {
        ActiveMQConnection c = e.connectAs(e.unique);
        Session s = Env.auto(c);
        subscribe(c, e.topic()).close();
        put(e.session(), e.topic(), "collected");
        s.unsubscribe("sub");
        MessageConsumer sub = subscribe(c, e.topic());
        quiet(sub);
    }

    @Scenario(name = "durable/unsubscribe-active", ref = "a subscription with a subscriber cannot be unsubscribed: JMSException")
    static void unsubscribeActive(Env e) throws Exception {
        ActiveMQConnection c = e.connectAs(e.unique);
        Session s = Env.auto(c);
        MessageConsumer sub = subscribe(c, e.topic());
        fails(JMSException.class, "Durable consumer is in use", () -> s.unsubscribe("sub"));
        put(e.session(), e.topic(), "it goes on");
        wantTexts(sub, "it goes on");
    }

    @Scenario(name = "durable/unsubscribe-unknown", ref = "unsubscribing what is not there is an InvalidDestinationException that names client and subscription")
    static void unsubscribeUnknown(Env e) throws Exception {
        Session s = Env.auto(e.connectAs(e.unique));
        fails(InvalidDestinationException.class, "No durable subscription exists for clientID: " + e.unique + " and subscriptionName: none", () -> s.unsubscribe("none"));
    }

    @Scenario(name = "durable/in-use", ref = "a second subscriber under the same client id and name is refused, and the first goes on")
    static void inUse(Env e) throws Exception {
        ActiveMQConnection c = e.connectAs(e.unique);
        MessageConsumer sub = subscribe(c, e.topic());
        fails(JMSException.class, "Durable consumer is in use for client: " + e.unique + " and subscriptionName: sub", () -> subscribe(c, e.topic()));
        put(e.session(), e.topic(), "it goes on");
        wantTexts(sub, "it goes on");
    }

    @Scenario(name = "durable/without-client-id", ref = "without a client id of the application's there is no durable subscription")
    static void withoutClientId(Env e) throws Exception {
        Session s = e.session();
        fails(JMSException.class, "You cannot create a durable subscriber without specifying a unique clientID on a Connection", () -> s.createDurableSubscriber(e.topic(), "sub"));
    }

    @Scenario(name = "durable/same-name", ref = "the same name under two client ids is two subscriptions")
    static void sameName(Env e) throws Exception {
        MessageConsumer one = subscribe(e.connectAs(e.unique + "1"), e.topic());
        MessageConsumer two = subscribe(e.connectAs(e.unique + "2"), e.topic());
        put(e.session(), e.topic(), "x");
        wantTexts(one, "x");
        wantTexts(two, "x");
    }

    @Scenario(name = "durable/two-names", ref = "two names under one client id are two subscriptions")
    static void twoNames(Env e) throws Exception {
        Session s = Env.auto(e.connectAs(e.unique));
        MessageConsumer one = s.createDurableSubscriber(e.topic(), "one");
        MessageConsumer two = s.createDurableSubscriber(e.topic(), "two");
        put(e.session(), e.topic(), "x");
        wantTexts(one, "x");
        wantTexts(two, "x");
    }

    @Scenario(name = "durable/no-local", ref = "with noLocal a subscription does not get what its own connection publishes")
    static void noLocal(Env e) throws Exception {
        Session s = Env.auto(e.connectAs(e.unique));
        MessageConsumer sub = s.createDurableSubscriber(e.topic(), "sub", null, true);
        put(s, e.topic(), "own");
        put(e.session(), e.topic(), "other");
        wantTexts(sub, "other");
        quiet(sub);
    }

    @Scenario(name = "durable/wildcard", ref = "a durable subscription to a pattern collects from all topics that match, later ones too")
    static void wildcard(Env e) throws Exception {
        ActiveMQConnection c = e.connectAs(e.unique);
        subscribe(c, e.topic(".>")).close();
        Session s = e.session();
        put(s, e.topic(".a"), "a");
        put(s, e.topic(".b.c"), "b.c");
        MessageConsumer sub = subscribe(c, e.topic(".>"));
        Message m = take(sub);
        equal("JMSDestination", m.getJMSDestination(), e.topic(".a"));
        wantTexts(sub, "b.c");
        put(s, e.topic(".later"), "later");
        wantTexts(sub, "later");
    }

    @Scenario(name = "durable/advisory", ref = "advisory topics have no durable subscriptions")
    static void advisory(Env e) throws Exception {
        ActiveMQConnection c = e.connectAs(e.unique);
        fails(JMSException.class, "Cannot create a durable subscription for an advisory Topic", () -> subscribe(c, new ActiveMQTopic("ActiveMQ.Advisory.Connection")));
    }

    @Scenario(name = "durable/unacknowledged", ref = "what the subscriber did not acknowledge comes again, in order, to its next connection")
    static void unacknowledged(Env e) throws Exception {
        ActiveMQConnection c = e.connectAs(e.unique);
        MessageConsumer sub = client(c).createDurableSubscriber(e.topic(), "sub");
        putAll(e.session(), e.topic(), "1", "2", "3");
        wantTexts(sub, "1");
        take(sub).acknowledge();
        wantTexts(sub, "3");
        c.close();
        sub = subscribe(e.connectAs(e.unique), e.topic());
        Message m = take(sub);
        equal("text", text(m), "3");
        quiet(sub);
    }

    @Scenario(name = "durable/redelivered-flag", ref = "what was received and not acknowledged comes again marked redelivered, and nothing else")
    static void redeliveredFlag(Env e) throws Exception {
        ActiveMQConnection c = e.connectAs(e.unique);
        MessageConsumer sub = client(c).createDurableSubscriber(e.topic(), "sub");
        putAll(e.session(), e.topic(), "1", "2");
        wantTexts(sub, "1");
        c.close();
        sub = subscribe(e.connectAs(e.unique), e.topic());
        Message m = take(sub);
        equal("text", text(m), "1");
        equal("JMSRedelivered of 1", m.getJMSRedelivered(), true);
        m = take(sub);
        equal("JMSRedelivered of 2", m.getJMSRedelivered(), false);
    }

    @Scenario(name = "durable/transacted", ref = "a subscriber's transactions commit and roll back")
    static void inTransaction(Env e) throws Exception {
        ActiveMQConnection c = e.connectAs(e.unique, Redelivery.policy(-1));
        Session tx = transacted(c);
        MessageConsumer sub = tx.createDurableSubscriber(e.topic(), "sub");
        putAll(e.session(), e.topic(), "1", "2", "3");
        wantTexts(sub, "1");
        tx.commit();
        wantTexts(sub, "2", "3");
        tx.rollback();
        wantTexts(sub, "2");
        tx.commit();
        c.close();
        MessageConsumer again = subscribe(e.connectAs(e.unique), e.topic());
        wantTexts(again, "3");
        quiet(again);
    }

    @Scenario(name = "durable/backlog", ref = "a long backlog comes in order, in several sittings")
    static void backlog(Env e) throws Exception {
        ActiveMQConnection c = e.connectAs(e.unique);
        subscribe(c, e.topic()).close();
        Session async = e.session("jms.useAsyncSend=true");
        MessageProducer p = async.createProducer(e.topic());
        p.setDeliveryMode(DeliveryMode.PERSISTENT);
        for (int i = 0; i < 1500; i++) {
            p.send(async.createTextMessage("" + i));
        }
        for (int at = 0; at < 1500; at += 500) {
            MessageConsumer sub = subscribe(c, e.topic());
            wantNumbers(sub, at, at + 500);
            sub.close();
        }
    }

    @Scenario(name = "durable/expired", ref = "what expires while the subscriber is away does not come")
    static void expired(Env e) throws Exception {
        ActiveMQConnection c = e.connectAs(e.unique);
        subscribe(c, e.topic()).close();
        Session s = e.session();
        s.createProducer(e.topic()).send(s.createTextMessage("too late"), DeliveryMode.PERSISTENT, 4, 50);
        put(s, e.topic(), "in time");
        Thread.sleep(100);
        MessageConsumer sub = subscribe(c, e.topic());
        wantTexts(sub, "in time");
        quiet(sub);
    }
}

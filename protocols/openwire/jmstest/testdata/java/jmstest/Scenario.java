package jmstest;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** Marks a static method that proves one behaviour of a broker; the method gets an {@link Env}. */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
@interface Scenario {
    /** Path-like and unique: area/behaviour. */
    String name();

    /** The behaviour, as a sentence. */
    String ref();

    /** What ActiveMQ does where it differs; "" where it does the same. Goes with {@link #why}. */
    String activemq() default "";

    /** Why we don't do what ActiveMQ does. */
    String why() default "";

    /** What our broker lacks for it; the scenario is skipped there. */
    String later() default "";

    /** Says that a user with a password, and permissions, are needed; it is skipped where there are none. */
    boolean login() default false;
}

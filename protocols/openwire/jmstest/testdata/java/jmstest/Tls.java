package jmstest;

import java.io.ByteArrayInputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;

/** The keys of a TLS client, from the PEM files that clients in other languages are handed. */
final class Tls {
    final KeyManager[] keys;
    final TrustManager[] trust;

    Tls(Target t) throws Exception {
        KeyStore authorities = KeyStore.getInstance(KeyStore.getDefaultType());
        authorities.load(null, null);
        authorities.setCertificateEntry("ca", certificate(t.get("ca", "")));
        TrustManagerFactory trusted = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trusted.init(authorities);
        trust = trusted.getTrustManagers();
        if (t.get("cert", "").isEmpty()) {
            keys = null;
            return;
        }
        KeyStore own = KeyStore.getInstance(KeyStore.getDefaultType());
        own.load(null, null);
        own.setKeyEntry("client", key(t), new char[0], new Certificate[] {certificate(t.get("cert", ""))});
        KeyManagerFactory mine = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        mine.init(own, new char[0]);
        keys = mine.getKeyManagers();
    }

    /** Writes a PKCS #12 key store, as a Java broker wants it, with the key, its certificate and the authority's. */
    static void write(Target t) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        char[] password = t.password.toCharArray();
        store.load(null, password);
        store.setCertificateEntry("ca", certificate(t.get("ca", "")));
        store.setKeyEntry("own", key(t), password, new Certificate[] {certificate(t.get("cert", ""))});
        try (OutputStream out = Files.newOutputStream(Path.of(t.get("out", "")))) {
            store.store(out, password);
        }
    }

    private static PrivateKey key(Target t) throws Exception {
        byte[] der = Base64.getMimeDecoder().decode(Files.readString(Path.of(t.get("key", ""))).replaceAll("-----[A-Z ]+-----", ""));
        return KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(der));
    }

    private static Certificate certificate(String file) throws Exception {
        return CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(Files.readAllBytes(Path.of(file))));
    }
}

package io.spanfold.buffer.redis;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import redis.clients.jedis.SslOptions;
import redis.clients.jedis.SslVerifyMode;

/** TLS for connections to Redis. Certificates are verified, and must name the host. */
final class RedisTls {

  private static final String TYPE = "PKCS12";

  /** The store never leaves the memory, but some readers require a password. */
  private static final char[] NO_SECRET = "none".toCharArray();

  private RedisTls() {}

  /**
   * Returns Jedis's options.
   *
   * @param authorities PEM certificates that may sign others; null for Java's trust store
   * @throws IllegalArgumentException if they cannot be read
   */
  static SslOptions options(String authorities) {
    SslOptions.Builder options = SslOptions.builder().sslVerifyMode(SslVerifyMode.FULL);
    if (authorities != null) {
      byte[] store = trustStore(authorities);
      options.trustStoreType(TYPE).truststore(() -> new ByteArrayInputStream(store), NO_SECRET);
    }
    return options.build();
  }

  private static byte[] trustStore(String authorities) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      KeyStore store = KeyStore.getInstance(TYPE);
      store.load(null, null);
      for (Certificate certificate :
          CertificateFactory.getInstance("X.509")
              .generateCertificates(new ByteArrayInputStream(authorities.getBytes(US_ASCII)))) {
        store.setCertificateEntry("authority-" + store.size(), certificate);
      }
      store.store(bytes, NO_SECRET);
    } catch (GeneralSecurityException | IOException e) {
      throw new IllegalArgumentException(
          "the certificates of redis.ca-file cannot be read: " + e.getMessage(), e);
    }
    return bytes.toByteArray();
  }
}

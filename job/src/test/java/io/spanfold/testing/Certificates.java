package io.spanfold.testing;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.spanfold.embedded.RedisNode;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A key and a certificate for servers on the loopback address, self-signed, made for each test by
 * the JDK's {@code keytool}.
 */
public final class Certificates {

  /** Protects the key store. */
  public static final String PASSWORD = "certificates-secret";

  private static final String ALIAS = "server";

  private final Path directory;

  private Certificates(Path directory) {
    this.directory = directory;
  }

  /** Makes them; all files go to {@code directory}. */
  public static Certificates make(Path directory) throws Exception {
    Certificates made = new Certificates(Files.createDirectories(directory));
    keytool(
        "-genkeypair",
        "-alias",
        ALIAS,
        "-keyalg",
        "EC",
        "-dname",
        "CN=localhost",
        "-validity",
        "2",
        "-ext",
        "san=ip:127.0.0.1,dns:localhost",
        "-storetype",
        "PKCS12",
        "-storepass",
        PASSWORD,
        "-keystore",
        made.keyStore().toString());
    KeyStore store = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(made.keyStore())) {
      store.load(in, PASSWORD.toCharArray());
    }
    pem(made.authority(), "CERTIFICATE", store.getCertificate(ALIAS).getEncoded());
    pem(made.key(), "PRIVATE KEY", store.getKey(ALIAS, PASSWORD.toCharArray()).getEncoded());
    return made;
  }

  /** Returns the key and its certificate, as Java's key store. */
  public Path keyStore() {
    return directory.resolve("server.p12");
  }

  /** Returns the certificate as PEM: the authority at the same time. */
  public Path authority() {
    return directory.resolve("server.crt");
  }

  /** Returns the files that a Redis node needs. */
  public RedisNode.Tls ofRedis() {
    return new RedisNode.Tls(authority(), key(), authority());
  }

  private Path key() {
    return directory.resolve("server.key");
  }

  private static void pem(Path file, String what, byte[] content) throws Exception {
    Files.writeString(
        file,
        "-----BEGIN %s-----%n%s%n-----END %s-----%n"
            .formatted(what, Base64.getMimeEncoder().encodeToString(content), what),
        US_ASCII);
  }

  private static void keytool(String... arguments) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
    command.addAll(List.of(arguments));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), US_ASCII);
    if (!process.waitFor(30, TimeUnit.SECONDS) || process.exitValue() != 0) {
      throw new IllegalStateException("keytool failed: " + said);
    }
  }
}

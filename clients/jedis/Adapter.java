import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Properties;
import java.util.Set;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.JedisClientConfig;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.RedisClusterClient;
import redis.clients.jedis.RedisSentinelClient;
import redis.clients.jedis.SslOptions;
import redis.clients.jedis.SslVerifyMode;
import redis.clients.jedis.UnifiedJedis;

/**
 * Jedis as a client under test. `--ssl-options` is its newer way to TLS; `--ssl` is `ssl(true)` with a socket
 * factory, the older one, which before 7.5 does not check the server's name.
 */
final class Adapter {
    private static final char[] PASSWORD = "changeit".toCharArray();

    public static void main(String[] args) throws IOException {
        boolean sslOptions = args[0].equals("--ssl-options");
        // Where Jedis itself has the version from that it tells servers.
        Properties about = new Properties();
        about.load(RedisClient.class.getResourceAsStream("pom.properties"));
        String version = about.getProperty("version");
        Lab.run("jedis", "redis.clients:jedis", version, test -> connect(test, sslOptions));
    }

    private static Lab.Client connect(Lab.Case test, boolean sslOptions) throws Exception {
        Stores stores = new Stores();
        try {
            return new Pooled(client(test, config(test, sslOptions, stores.folder)), stores);
        } catch (Exception failed) {
            stores.close();
            throw failed;
        }
    }

    /** The folder of trust and keys, which Jedis's options take as files, and read for each connection. */
    private static final class Stores implements AutoCloseable {
        final Path folder = Files.createTempDirectory(Lab.temporary(), "wirelab-jedis");

        Stores() throws IOException {
            folder.toFile().deleteOnExit();
        }

        @Override
        public void close() throws IOException {
            Files.deleteIfExists(folder.resolve("trust.p12"));
            Files.deleteIfExists(folder.resolve("key.p12"));
            Files.delete(folder);
        }
    }

    private record Pooled(UnifiedJedis client, Stores stores) implements Lab.Client {
        @Override
        public String roundTrip(Lab.Case test) {
            client.set(test.key, test.value);
            return client.get(test.key);
        }

        @Override
        public void close() throws IOException {
            try (stores) {
                client.close();
            }
        }
    }

    private static UnifiedJedis client(Lab.Case test, JedisClientConfig config) throws Lab.Unsupported {
        HostAndPort server = new HostAndPort(test.host, test.port);
        return switch (test.topology) {
            case "cluster" -> RedisClusterClient.builder().nodes(Set.of(server)).clientConfig(config)
                    .maxAttempts(1).build();
            // Sentinels have TLS and credentials only from a setting of their own.
            case "sentinel" -> sentinel(test, server, config, config);
            case "clear-sentinel" -> sentinel(test, server, config, timeouts(test).build());
            case "standalone" -> RedisClient.builder().hostAndPort(server).clientConfig(config).build();
            default -> throw Lab.Unsupported.topology(test);
        };
    }

    private static UnifiedJedis sentinel(
            Lab.Case test, HostAndPort server, JedisClientConfig config, JedisClientConfig sentinel) {
        return RedisSentinelClient.builder().masterName(test.service).sentinels(Set.of(server))
                .sentinelClientConfig(sentinel).clientConfig(config).build();
    }

    private static DefaultJedisClientConfig.Builder timeouts(Lab.Case test) {
        // A peer that says nothing is waited for when reading, again when closing, and all of it is done twice.
        return DefaultJedisClientConfig.builder().timeoutMillis(test.timeout() / 2);
    }

    private static JedisClientConfig config(Lab.Case test, boolean sslOptions, Path stores) throws Exception {
        DefaultJedisClientConfig.Builder config = timeouts(test).user(test.username).password(test.password);
        if (test.tls && sslOptions) {
            config.sslOptions(sslOptions(test, stores));
        } else if (test.tls) {
            if (!test.verify) {
                throw new Lab.Unsupported("ssl(true) has no switch for the check of certificates");
            }
            config.ssl(true).sslSocketFactory(context(test).getSocketFactory());
        }
        return config.build();
    }

    private static SslOptions sslOptions(Lab.Case test, Path stores) throws Exception {
        SslOptions.Builder options = SslOptions.builder().trustStoreType("PKCS12")
                .truststore(file(trustStore(test), stores.resolve("trust.p12")), PASSWORD);
        if (test.clientCert != null) {
            options.keyStoreType("PKCS12").keystore(file(keyStore(test), stores.resolve("key.p12")), PASSWORD);
        }
        if (!test.verify) {
            options.sslVerifyMode(SslVerifyMode.INSECURE);
        }
        return options.build();
    }

    private static SSLContext context(Lab.Case test) throws GeneralSecurityException, IOException {
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trustStore(test));
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(test.clientCert == null ? null : keyStore(test), PASSWORD);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
        return context;
    }

    private static KeyStore trustStore(Lab.Case test) throws GeneralSecurityException, IOException {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        store.setCertificateEntry("authority", certificates(test.ca)[0]);
        return store;
    }

    private static KeyStore keyStore(Lab.Case test) throws GeneralSecurityException, IOException {
        String base64 = Files.readString(Path.of(test.clientKey)).replaceAll("-----[A-Z ]+-----|\\s", "");
        PKCS8EncodedKeySpec encoded = new PKCS8EncodedKeySpec(Base64.getDecoder().decode(base64));
        Certificate[] chain = certificates(test.clientCert);
        String algorithm = chain[0].getPublicKey().getAlgorithm();
        PrivateKey key = KeyFactory.getInstance(algorithm).generatePrivate(encoded);
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        store.setKeyEntry("client", key, PASSWORD, chain);
        return store;
    }

    private static Certificate[] certificates(String path) throws GeneralSecurityException, IOException {
        try (FileInputStream pem = new FileInputStream(path)) {
            return CertificateFactory.getInstance("X.509").generateCertificates(pem).toArray(new Certificate[0]);
        }
    }

    private static File file(KeyStore store, Path path) throws GeneralSecurityException, IOException {
        try (OutputStream out = Files.newOutputStream(path)) {
            store.store(out, PASSWORD);
        }
        return path.toFile();
    }
}

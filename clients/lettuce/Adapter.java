import io.lettuce.core.AbstractRedisClient;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.LettuceVersion;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.SocketOptions;
import io.lettuce.core.SslOptions;
import io.lettuce.core.api.sync.RedisStringCommands;
import io.lettuce.core.cluster.ClusterClientOptions;
import io.lettuce.core.cluster.RedisClusterClient;
import java.io.File;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** Lettuce as a client under test: `withSsl(true)`, and `SslOptions` with the authority. */
final class Adapter {
    public static void main(String[] args) throws IOException {
        Lab.run("lettuce", "io.lettuce:lettuce-core", LettuceVersion.getVersion(), Adapter::connect);
    }

    private static Lab.Client connect(Lab.Case test) throws Lab.Unsupported {
        RedisURI uri = uri(test);
        SslOptions.Builder ssl = SslOptions.builder().jdkSslProvider().handshakeTimeout(within(test));
        if (test.tls) {
            ssl.trustManager(new File(test.ca));
            if (test.clientCert != null) {
                ssl.keyManager(new File(test.clientCert), new File(test.clientKey), null);
            }
        }
        SocketOptions socket = SocketOptions.builder().connectTimeout(within(test)).build();
        if (test.topology.equals("cluster")) {
            RedisClusterClient client = RedisClusterClient.create(uri);
            client.setOptions(ClusterClientOptions.builder().sslOptions(ssl.build()).socketOptions(socket).build());
            return new Connected(client, () -> client.connect().sync());
        }
        RedisClient client = RedisClient.create(uri);
        client.setOptions(ClientOptions.builder().sslOptions(ssl.build()).socketOptions(socket).build());
        return new Connected(client, () -> client.connect().sync());
    }

    /** It connects once: after that the library does so by itself, whenever it has lost its connection. */
    private static final class Connected implements Lab.Client {
        private final AbstractRedisClient client;
        private final Supplier<RedisStringCommands<String, String>> connect;
        private RedisStringCommands<String, String> commands;

        Connected(AbstractRedisClient client, Supplier<RedisStringCommands<String, String>> connect) {
            this.client = client;
            this.connect = connect;
        }

        @Override
        public String roundTrip(Lab.Case test) {
            if (commands == null) {
                commands = connect.get();
            }
            commands.set(test.key, test.value);
            return commands.get(test.key);
        }

        @Override
        public void close() {
            client.shutdown(0, 500, TimeUnit.MILLISECONDS);
        }
    }

    private static RedisURI uri(Lab.Case test) throws Lab.Unsupported {
        RedisURI.Builder uri = RedisURI.builder();
        switch (test.topology) {
            case "sentinel" -> uri.withSentinel(security(node(test), test).build()).withSentinelMasterId(test.service);
            case "clear-sentinel" -> uri.withSentinel(node(test).build()).withSentinelMasterId(test.service);
            case "standalone", "cluster" -> uri.withHost(test.host).withPort(test.port);
            default -> throw Lab.Unsupported.topology(test);
        }
        RedisURI built = security(uri, test).build();
        if (test.topology.equals("clear-sentinel")) {
            // The builder gives them the TLS of the master.
            built.getSentinels().forEach(sentinel -> sentinel.setSsl(false));
        }
        return built;
    }

    private static RedisURI.Builder node(Lab.Case test) {
        return RedisURI.builder().withHost(test.host).withPort(test.port);
    }

    private static RedisURI.Builder security(RedisURI.Builder uri, Lab.Case test) {
        return uri.withAuthentication(test.username, test.password.toCharArray())
                .withSsl(test.tls).withVerifyPeer(test.verify).withTimeout(within(test));
    }

    private static Duration within(Lab.Case test) {
        return Duration.ofMillis(test.timeout());
    }
}

import io.lettuce.core.AbstractRedisClient;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.LettuceVersion;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.SocketOptions;
import io.lettuce.core.SslOptions;
import io.lettuce.core.cluster.ClusterClientOptions;
import io.lettuce.core.cluster.RedisClusterClient;
import java.io.File;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** Lettuce as a client under test: `withSsl(true)`, and `SslOptions` with the authority. */
final class Adapter {
    public static void main(String[] args) throws IOException {
        Lab.run("lettuce", "io.lettuce:lettuce-core", LettuceVersion.getVersion(), Adapter::roundTrip);
    }

    private static String roundTrip(Lab.Case test) {
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
            try {
                client.setOptions(
                        ClusterClientOptions.builder().sslOptions(ssl.build()).socketOptions(socket).build());
                var commands = client.connect().sync();
                commands.set(test.key, test.value);
                return commands.get(test.key);
            } finally {
                end(client);
            }
        }
        RedisClient client = RedisClient.create(uri);
        try {
            client.setOptions(ClientOptions.builder().sslOptions(ssl.build()).socketOptions(socket).build());
            var commands = client.connect().sync();
            commands.set(test.key, test.value);
            return commands.get(test.key);
        } finally {
            end(client);
        }
    }

    private static RedisURI uri(Lab.Case test) {
        RedisURI.Builder uri = RedisURI.builder();
        if (test.topology.equals("sentinel")) {
            uri.withSentinel(node(RedisURI.builder(), test).build()).withSentinelMasterId(test.service);
        } else {
            uri.withHost(test.host).withPort(test.port);
        }
        return security(uri, test).build();
    }

    private static RedisURI.Builder node(RedisURI.Builder uri, Lab.Case test) {
        return security(uri.withHost(test.host).withPort(test.port), test);
    }

    private static RedisURI.Builder security(RedisURI.Builder uri, Lab.Case test) {
        return uri.withAuthentication(test.username, test.password.toCharArray())
                .withSsl(test.tls).withVerifyPeer(test.verify).withTimeout(within(test));
    }

    private static Duration within(Lab.Case test) {
        return Duration.ofMillis(test.timeout());
    }

    private static void end(AbstractRedisClient client) {
        client.shutdown(0, 500, TimeUnit.MILLISECONDS);
    }
}

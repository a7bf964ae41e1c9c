<?php
// phpredis, the extension, as a client under test.

declare(strict_types=1);

require __DIR__ . '/../php-shared/lab.php';

/** Connects with `tls://` before the host and a stream context, and logs in. */
function connected(array $case): Redis
{
    $redis = new Redis();
    $scheme = $case['tls'] ? 'tls://' : '';
    $context = $case['tls'] ? ['stream' => ssl_options($case)] : [];
    $wait = seconds($case);
    if (!$redis->connect($scheme . $case['host'], $case['port'], $wait, null, 0, $wait, $context)) {
        throw new RedisException('connect() returned false');
    }
    $redis->auth([$case['username'], $case['password']]);
    return $redis;
}

function cluster(array $case): RedisCluster
{
    $seed = ($case['tls'] ? 'tls://' : '') . $case['host'] . ':' . $case['port'];
    $wait = seconds($case);
    $login = [$case['username'], $case['password']];
    // Without the context, it speaks plaintext to the nodes that it discovers.
    $context = $case['tls'] ? ssl_options($case) : null;
    return new RedisCluster(null, [$seed], $wait, $wait, false, $login, $context);
}

run('phpredis', 'phpredis', phpversion('redis'), function (array $case) {
    $redis = match ($case['topology'] ?? 'standalone') {
        'standalone' => connected($case),
        'cluster' => cluster($case),
        'sentinel' => throw new Unsupported('RedisSentinel of phpredis 5 knows no stream context, so no authority'),
    };
    try {
        $redis->set($case['key'], $case['value']);
        return $redis->get($case['key']);
    } finally {
        $redis->close();
    }
});

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

run('phpredis', 'phpredis', phpversion('redis'), function (array $case) {
    if (($case['topology'] ?? 'standalone') !== 'standalone') {
        throw new Unsupported('the adapter drives phpredis with a single server only');
    }
    $redis = connected($case);
    try {
        $redis->set($case['key'], $case['value']);
        return $redis->get($case['key']);
    } finally {
        $redis->close();
    }
});

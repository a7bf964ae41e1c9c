// CSRedisCore as an adapter of the lab: `ssl=true`, and the operating system's trust.

using CSRedis;
using Wirelab;

return Adapter.Run("csredis", "CSRedisCore", typeof(CSRedisClient), osStore: true, test =>
{
    if (test.Tls && !test.Verify)
    {
        throw new Unsupported("CSRedisCore has no switch for the check of certificates");
    }
    if (test.Tls && test.ClientCert != null)
    {
        throw new Unsupported("CSRedisCore knows no client certificates");
    }
    if (test.Tls && test.IsSentinel)
    {
        throw new Unsupported("CSRedisCore speaks no TLS to Sentinels: RedisSentinelManager has no setting for it");
    }
    var options = $"user={test.Username},password={test.Password},ssl={test.Tls.ToString().ToLowerInvariant()},"
        + $"poolsize=1,preheat=false,tryit=0,connectTimeout={test.Timeout},syncTimeout={test.Timeout}";
    var client = test.IsSentinel || test.IsClearSentinel
        ? new CSRedisClient($"{test.Service},{options}", [$"{test.Host}:{test.Port}"])
        : new CSRedisClient($"{test.Host}:{test.Port},{options}");
    return new(client, test =>
    {
        client.Set(test.Key, test.Value);
        return client.Get(test.Key);
    });
});

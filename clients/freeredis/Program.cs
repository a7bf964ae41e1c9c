// FreeRedis as an adapter of the lab: `ssl=true`, and the operating system's trust.

using System.Security.Cryptography.X509Certificates;
using FreeRedis;
using Wirelab;

return Adapter.Run("freeredis", "FreeRedis", typeof(RedisClient), osStore: true, test =>
{
    var client = test switch
    {
        { IsSentinel: true } => new RedisClient(
            Options(test, test.Service!), [Options(test, $"{test.Host}:{test.Port}").ToString()], false),
        // Each Sentinel has a string of its own.
        { IsClearSentinel: true } => new RedisClient(
            Options(test, test.Service!), [$"{test.Host}:{test.Port},ssl=false,{Times(test)}"], false),
        { IsCluster: true } => new RedisClient([Options(test, $"{test.Host}:{test.Port}")]),
        _ => new RedisClient(Options(test, $"{test.Host}:{test.Port}")),
    };
    return new(client, test =>
    {
        client.Set(test.Key, test.Value);
        return client.Get(test.Key);
    });
});

static ConnectionStringBuilder Options(Case test, string server)
{
    ConnectionStringBuilder options =
        $"{server},user={test.Username},password={test.Password},ssl={test.Tls},{Times(test)}";
    if (test.Tls && test.ClientCert != null)
    {
        var pair = X509Certificate2.CreateFromPemFile(test.ClientCert, test.ClientKey);
        options.CertificateSelection = (_, _, _, _, _) => pair;
    }
    if (!test.Verify)
    {
        options.CertificateValidation = (_, _, _, _) => true;
    }
    return options;
}

static string Times(Case test)
{
    // It tries twice.
    var timeout = test.Timeout / 2;
    return $"min pool size=1,max pool size=1,connectTimeout={timeout},receiveTimeout={timeout},sendTimeout={timeout},retry=0";
}

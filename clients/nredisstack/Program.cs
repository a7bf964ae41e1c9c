// NRedisStack as an adapter of the lab: StackExchange.Redis does its connections.

using NRedisStack;
using StackExchange.Redis;
using Wirelab;

return Adapter.Run("nredisstack", "NRedisStack", typeof(JsonCommands), osStore: false, test =>
{
    Adapter.OneTlsSetting(test);
    var options = ConfigurationOptions.Parse(test.Stackexchange!);
    options.AbortOnConnectFail = true;
    options.ConnectRetry = 1;
    options.ConnectTimeout = options.SyncTimeout = options.AsyncTimeout = test.Timeout;
    if (test.IsSentinel)
    {
        options.ServiceName ??= test.Service;
    }
    if (options.Ssl)
    {
        if (test.Verify)
        {
            options.TrustIssuer(test.Ca);
        }
        else
        {
            options.CertificateValidation += (_, _, _, _) => true;
        }
        if (test.ClientCert != null)
        {
            options.SetUserPemCertificate(test.ClientCert, test.ClientKey);
        }
    }
    var connection = ConnectionMultiplexer.Connect(options);
    var database = connection.GetDatabase();
    return new(connection, test =>
    {
        database.StringSet(test.Key, test.Value);
        return database.StringGet(test.Key);
    });
});

// ASP.NET Core's distributed cache as an adapter of the lab, set up as `AddStackExchangeRedisCache` does it.

using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.StackExchangeRedis;
using Microsoft.Extensions.Options;
using StackExchange.Redis;
using System.Security.Cryptography.X509Certificates;
using Wirelab;

return Adapter.Run(
    "aspnetcore-cache", "Microsoft.Extensions.Caching.StackExchangeRedis", typeof(RedisCache), osStore: false, test =>
    {
        Adapter.OneTlsSetting(test);
        var options = ConfigurationOptions.Parse(test.Stackexchange!);
        options.AbortOnConnectFail = true;
        // The cache turns that off again. Commands would then wait for a connection until their time-out, which no server
        // that is refused will ever give.
        options.BacklogPolicy = BacklogPolicy.FailFast;
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
                var pair = X509Certificate2.CreateFromPemFile(test.ClientCert, test.ClientKey);
                options.CertificateSelection += (_, _, _, _, _) => pair;
            }
        }
        var cache = new RedisCache(Options.Create(new RedisCacheOptions { ConfigurationOptions = options }));
        return new(cache, test =>
        {
            // It keeps a value as the field `data` of a hash.
            cache.SetString(test.Key, test.Value);
            return cache.GetString(test.Key);
        });
    });

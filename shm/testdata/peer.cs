// The .NET side of the tests: does what each line of its standard input says,
// with a MemoryMappedFile on the segment's file, and answers with one line.
using System;
using System.IO;
using System.IO.MemoryMappedFiles;

static class Peer
{
    static MemoryMappedFile file;
    static MemoryMappedViewAccessor view;

    static void Main()
    {
        var output = new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true };
        var input = new StreamReader(Console.OpenStandardInput());
        for (string line; (line = input.ReadLine()) != null;)
        {
            try
            {
                output.WriteLine(Do(line.Split(' ')));
            }
            catch (Exception e)
            {
                output.WriteLine(e.GetType().Name + ": " + e.Message);
            }
        }
    }

    static string Do(string[] words)
    {
        switch (words[0])
        {
            case "create":
                file = MemoryMappedFile.CreateFromFile("/dev/shm/" + words[1], FileMode.CreateNew, null, long.Parse(words[2]));
                view = file.CreateViewAccessor();
                return "created";
            case "open":
                file = MemoryMappedFile.CreateFromFile("/dev/shm/" + words[1], FileMode.Open);
                view = file.CreateViewAccessor();
                return "opened";
            case "put":
                view.Write(long.Parse(words[1]), long.Parse(words[2]));
                view.Flush();
                return "put";
            case "get":
                return view.ReadInt64(long.Parse(words[1])).ToString();
            case "close":
                view.Dispose();
                file.Dispose();
                return "closed";
        }
        return "what is " + words[0] + "?";
    }
}
